"""Chromium, as for the desk."""

from tests.dashboard.conftest import browser

__all__ = ["browser"]
