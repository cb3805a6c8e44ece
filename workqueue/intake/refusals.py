"""What a load refuses, in words; nothing of the file has been written when one is raised."""

from __future__ import annotations

from workqueue.errors import BadInput, Refusal


class UnreadableFile(BadInput):
    """The file cannot be read; check that the path and its permissions are right."""


class WrongFileType(BadInput):
    """The file is no provider file; load csv, zip with a csv inside, or an xlsx report."""


class DamagedArchive(BadInput):
    """The archive is damaged; download it again and compare its size with the publisher's."""


class SuspiciousArchive(BadInput):
    """The archive unpacks to far more than it should; unpack it by hand if you trust it."""


class MissingColumns(BadInput):
    """The file has no column that identifies its records; add a header line that names them."""


class LoadInProgress(Refusal):
    """Another load of the same source is running; wait for it to end and load again."""


class DiskTooSmall(Refusal):
    """The disk has too little room; free some and run the same command again to go on."""


class LoadBroken(Refusal):
    """The load was broken off; run the same command again to go on where it stopped."""
