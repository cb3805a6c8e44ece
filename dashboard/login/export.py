"""`/queue/export`: exactly the items of a view, as a zip of the CSV and its manifest."""

from __future__ import annotations

import tempfile
import zipfile
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

from tornado.iostream import StreamClosedError

from dashboard.backend import database
from dashboard.login.base import SignedIn, beside, page
from dashboard.view import View
from workqueue.errors import Refusal
from workqueue.export import export_items

_BLOCK: Final = 2**20


class ExportPage(SignedIn):
    """An export of the data layer, for whose role includes that; streamed from a file."""

    async def get(self) -> None:
        """Write the export beside the event loop, then send it."""
        view, _ = View.parse(self.request.query)
        name = f"workqueue-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        with tempfile.TemporaryDirectory(prefix="workqueue-export-") as folder:
            try:
                packed = await beside(lambda: self._packed(view, Path(folder), name))
            except Refusal as refusal:
                self._refused(refusal)
                return
            self.set_header("Content-Type", "application/zip")
            self.set_header("Content-Disposition", f'attachment; filename="{name}.zip"')
            self.set_header("Content-Length", str(packed.stat().st_size))
            with packed.open("rb") as file:
                try:
                    while block := file.read(_BLOCK):
                        self.write(block)
                        await self.flush()
                except StreamClosedError:
                    return

    def _packed(self, view: View, folder: Path, name: str) -> Path:
        actor = self.login.actor
        wanted = view.filter(actor.username)
        report = export_items(database(), wanted, folder / f"{name}.csv", actor=actor)
        packed = folder / f"{name}.zip"
        with zipfile.ZipFile(packed, "x", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.write(folder / f"{name}.csv", f"{name}.csv")
            archive.write(report.manifest, report.manifest.name)
        return packed

    def _refused(self, refusal: Refusal) -> None:
        self.set_status(HTTPStatus.FORBIDDEN)
        self.finish(
            page(
                "message",
                title="Not exported",
                words=str(refusal),
                number="",
                link="/queue",
                action="To the desk",
            )
        )
