"""What `panel serve dashboard/app.py` and `workqueue serve` serve: one page, one desk a session."""

from __future__ import annotations

from dashboard.page import serve_page

serve_page()
