"""`python -m workqueue.cli`: the command line where its program is not on the path."""

from __future__ import annotations

from workqueue.cli.main import main

if __name__ == "__main__":
    main()
