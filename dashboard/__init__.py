"""The desk: WorkQueue's Panel app, served or inline in Jupyter. Knows no SQL and no ORM object."""
