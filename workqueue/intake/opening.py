"""Recognise a file by its content and open the data inside: csv, zip, or an xlsx report.

Nothing is written before `open_data` has returned for every file of a load: an archive is read
through once against its checksum, so a damaged one is refused whole. Names inside an NPPES zip
are from CMS, "NPPES Data Dissemination - Readme" (V2).
"""

from __future__ import annotations

import csv
import fnmatch
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import IO, cast

from python_calamine import CalamineError, CalamineWorkbook

from workqueue.intake.refusals import (
    DamagedArchive,
    SuspiciousArchive,
    UnreadableFile,
    WrongFileType,
)

Progress = Callable[[str, int, int], None]

GB = 1_000_000_000
MAX_RATIO = 200
# A small file of zeros is no bomb, whatever its ratio.
HARMLESS = 16 << 20
MAX_WORKBOOK = 512 << 20
_STEP = 4 << 20
_SAMPLE = 1 << 20
_SAMPLES = 16

_MAGIC = (
    (b"\x1f\x8b", "is compressed with gzip; unpack it first"),
    (b"%PDF", "is a PDF document"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook (.xls); save it as .xlsx or .csv"),
    (b"PAR1", "is a Parquet file"),
    (b"\xff\xfe", "is UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "is UTF-16 text; save it as UTF-8"),
    (b"7z\xbc\xaf", "is a 7z archive; unpack it first"),
)
_SIDE_FILES = ("*fileheader*", "othername_pfile_*", "pl_pfile_*", "endpoint_pfile_*", "__macosx*")


@dataclass(frozen=True)
class Data:
    """The csv text inside a file.

    `size` is in bytes unpacked, `digest` recognises the same content under any name, `first_line`
    is the line of the original that the text begins with. `open` gives a new binary stream.
    """

    name: str
    size: int
    digest: str
    open: Callable[[], IO[bytes]]
    first_line: int = 1


def open_data(path: Path, max_unpacked_gb: int, progress: Progress | None = None) -> Data:
    """The data of the file at `path`.

    Raises UnreadableFile, WrongFileType, DamagedArchive or SuspiciousArchive.
    """
    try:
        if path.is_dir():
            raise UnreadableFile(f"{path} is a folder; name the file in it.")
        with path.open("rb") as stream:
            start = stream.read(4096)
    except FileNotFoundError:
        raise UnreadableFile(f"there is no file {path}; check the path.") from None
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from None
    if not start:
        raise UnreadableFile(f"{path} is empty; download or export it again.")
    if start.startswith(b"PK"):
        return _open_zip(path, max_unpacked_gb, progress)
    _require_text(path.name, start)
    return Data(path.name, path.stat().st_size, _digest(path), lambda: path.open("rb"))


def _require_text(name: str, start: bytes) -> None:
    for magic, said in _MAGIC:
        if start.startswith(magic):
            raise WrongFileType(f"{name} {said}.")
    if start.count(0) > len(start) // 10:
        raise WrongFileType(
            f"{name} is a binary file or UTF-16 text; WorkQueue loads csv in UTF-8 (or with "
            "--encoding), zip with a csv inside, and the xlsx deactivation report."
        )


def _digest(path: Path) -> str:
    # Only used to recognise a file whose load was broken off, so samples do.
    size = path.stat().st_size
    sums = hashlib.sha256(str(size).encode())
    with path.open("rb") as stream:
        for number in range(_SAMPLES):
            stream.seek(max(0, (size - _SAMPLE) * number // (_SAMPLES - 1)))
            sums.update(stream.read(_SAMPLE))
    return f"sha256:{sums.hexdigest()}"


def _open_zip(path: Path, max_unpacked_gb: int, progress: Progress | None) -> Data:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            if "[Content_Types].xml" in names:
                for member in members:
                    _check_member(path, member, max_unpacked_gb)
                if sum(member.file_size for member in members) > MAX_WORKBOOK:
                    raise SuspiciousArchive(f"{path.name}: the workbook is too large to be read.")
                return _workbook(path.name, path.read_bytes())
            chosen = _choose(path, members)
            _check_member(path, chosen, max_unpacked_gb)
            if chosen.filename.lower().endswith(".xlsx"):
                if chosen.file_size > MAX_WORKBOOK // 10:
                    raise SuspiciousArchive(f"{path.name}: the workbook is too large to be read.")
                return _inner_workbook(archive, chosen, max_unpacked_gb)
            _read_through(path, archive, chosen, progress)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DamagedArchive(
            f"{path.name} is a damaged or incomplete zip ({error}); download it again. "
            "Nothing was loaded."
        ) from None
    except NotImplementedError as error:
        raise WrongFileType(
            f"{path.name} is packed in a way that is not supported ({error}); unpack it first."
        ) from None
    return Data(
        f"{path.name}:{PurePosixPath(chosen.filename).name}",
        chosen.file_size,
        f"crc32:{chosen.CRC:08x}:{chosen.file_size}",
        lambda: cast(IO[bytes], _Member(path, chosen.filename)),
    )


def _choose(path: Path, members: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    found = []
    for member in members:
        base = PurePosixPath(member.filename).name.lower()
        if not member.is_dir() and not any(
            fnmatch.fnmatch(text, side)
            for side in _SIDE_FILES
            for text in (base, member.filename.lower())
        ):
            found.append((base, member))
    main = [m for base, m in found if fnmatch.fnmatch(base, "npidata_pfile_*.csv")]
    tables = main or [m for base, m in found if base.endswith((".csv", ".xlsx"))]
    if len(tables) != 1:
        said = ", ".join(m.filename for m in tables[:5]) or "none"
        raise WrongFileType(
            f"{path.name} should hold one csv with providers (npidata_pfile_….csv in a zip from "
            f"NPPES) or one xlsx deactivation report; found: {said}. Unpack it and name the file."
        )
    return tables[0]


def _check_member(path: Path, member: zipfile.ZipInfo, max_unpacked_gb: int) -> None:
    if member.flag_bits & 0x1:
        raise WrongFileType(f"{path.name} is encrypted; unpack it with its password first.")
    if member.file_size > max_unpacked_gb * GB:
        raise SuspiciousArchive(
            f"{path.name} would unpack to {member.file_size / GB:,.1f} GB, more than the "
            f"{max_unpacked_gb} GB that are allowed; set WORKQUEUE_MAX_UNPACKED_GB if it is right."
        )
    if member.file_size > HARMLESS and member.file_size > MAX_RATIO * member.compress_size:
        raise SuspiciousArchive(
            f"{path.name} would unpack to {member.file_size / max(member.compress_size, 1):,.0f} "
            f"times its size, more than {MAX_RATIO}: this looks like a zip bomb. Unpack it "
            "yourself if you trust it."
        )


def _read_through(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, progress: Progress | None
) -> None:
    # zipfile checks the checksum at the end, and never gives more bytes than were declared.
    done = 0
    with archive.open(member) as stream:
        while piece := stream.read(_STEP):
            if done == 0:
                _require_text(f"{path.name}:{member.filename}", piece[:4096])
            done += len(piece)
            if progress:
                progress(f"checking {path.name}", done, member.file_size)
    if done == 0:
        raise UnreadableFile(f"{member.filename} in {path.name} is empty; download it again.")
    if done != member.file_size:
        raise DamagedArchive(
            f"{path.name} unpacks to {done:,} bytes where it declares {member.file_size:,}; "
            "download it again. Nothing was loaded."
        )


class _Member(io.RawIOBase):
    """A zip member as a stream that closes its archive too."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__()
        self._archive = zipfile.ZipFile(path)
        self._stream = self._archive.open(name)

    def read(self, size: int = -1, /) -> bytes:
        return self._stream.read(size)

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._stream.close()
        self._archive.close()
        super().close()


def _inner_workbook(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, max_unpacked_gb: int
) -> Data:
    content = archive.read(member)
    name = f"{Path(archive.filename or '').name}:{PurePosixPath(member.filename).name}"
    with zipfile.ZipFile(io.BytesIO(content)) as inner:
        for part in inner.infolist():
            _check_member(Path(name), part, max_unpacked_gb)
        if sum(part.file_size for part in inner.infolist()) > MAX_WORKBOOK:
            raise SuspiciousArchive(f"{name}: the workbook is too large to be read.")
    return _workbook(name, content)


def _workbook(name: str, content: bytes) -> Data:
    """The first sheet of an xlsx as csv; one sheet row is one line, so line numbers agree."""
    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False)
    except (CalamineError, IndexError) as error:
        raise WrongFileType(f"{name} is no workbook that can be read ({error}).") from None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    data = text.getvalue().encode()
    if not data.strip():
        raise UnreadableFile(f"{name} has an empty first sheet.")
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return Data(name, len(data), digest, lambda: io.BytesIO(data))


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split())
