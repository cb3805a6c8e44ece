"""READ: items and corrections as files for auditors and for the source directory.

Rows are streamed by COPY from one read-only snapshot, so that memory does not grow with them. A
file appears complete or not at all, with a manifest beside it.
"""

from workqueue.export.cells import read_cell, read_rows, write_cell
from workqueue.export.files import ExportReport
from workqueue.export.items import export_corrections, export_items

__all__ = [
    "ExportReport",
    "export_corrections",
    "export_items",
    "read_cell",
    "read_rows",
    "write_cell",
]
