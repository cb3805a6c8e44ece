"""What `panel serve dashboard/app.py` serves: one page, one desk a session."""

from __future__ import annotations

from dashboard.page import build_page

build_page().servable()
