"""The desk: WorkQueue's Panel app, served or inline in Jupyter. Knows no SQL and no ORM object."""

from dashboard.notebook import open_desk

__all__ = ["open_desk"]
