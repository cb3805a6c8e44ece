"""The `workqueue` command: parse, call, print. Whatever it does, a room of the house does.

With `--json` a command prints one JSON object on standard output and nothing else there. The exit
status is 0 on success, 1 where something was refused or found wrong, 2 for a wrong command line,
130 after Ctrl-C.
"""

from workqueue.cli.main import main

__all__ = ["main"]
