"""The desk: WorkQueue's Panel app, served or inline in Jupyter. Knows no SQL and no ORM object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dashboard.notebook import open_desk

__all__ = ["open_desk"]


def __getattr__(name: str) -> Any:
    # Charts alone need no Panel, which takes a second to import.
    if name == "open_desk":
        from dashboard.notebook import open_desk  # noqa: PLC0415

        return open_desk
    raise AttributeError(f"module 'dashboard' has no attribute {name!r}")
