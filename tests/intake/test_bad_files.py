"""Files that cannot be loaded are refused in words, and nothing of them is written."""

from __future__ import annotations

import io
import struct
import time
import zipfile
from pathlib import Path

import pytest

from tests.intake.files import SMALL, counts, everything, loaded, person, records, table, write
from workqueue.database import Database
from workqueue.errors import BadInput
from workqueue.intake.opening import open_data
from workqueue.intake.refusals import (
    DamagedArchive,
    DiskTooSmall,
    MissingColumns,
    SuspiciousArchive,
    UnreadableFile,
    WrongFileType,
)
from workqueue.intake.runs import require_space

CSV = "npidata_pfile_20050523-20260107.csv"


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def small_csv(tmp_path: Path, rows: int = 3) -> bytes:
    return write(tmp_path / "inner.csv", SMALL, [person(n) for n in range(rows)]).read_bytes()


def test_zip_from_nppes(database: Database, tmp_path: Path) -> None:
    """Of the files in an NPPES zip the one with the providers is loaded."""
    side = b'"NPI","Endpoint"\n"1","x"\n'
    file = zipped(
        tmp_path / "NPPES_Data_Dissemination.zip",
        {
            "npidata_pfile_20050523-20260107_fileheader.csv": b'"NPI"\n',
            "endpoint_pfile_20050523-20260107.csv": side,
            "othername_pfile_20050523-20260107.csv": side,
            "pl_pfile_20050523-20260107.csv": side,
            "NPPES_Data_Dissemination_Readme.pdf": b"%PDF-1.4",
            CSV: small_csv(tmp_path),
        },
    )
    assert counts(loaded(database, file)) == {"read": 3, "loaded": 3}
    name = table(database, "SELECT file_name FROM intake_runs")[0][0]
    assert name == f"NPPES_Data_Dissemination.zip:{CSV}"


@pytest.mark.parametrize(
    ("content", "refusal", "said"),
    [
        (b"", UnreadableFile, "empty"),
        (b"%PDF-1.7 hello", WrongFileType, "PDF"),
        (b"\x1f\x8b\x08\x00", WrongFileType, "gzip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", WrongFileType, "old Excel"),
        ("NPI,Name\n".encode("utf-16"), WrongFileType, "UTF-16"),
        ("NPI,Name\n".encode("utf-16-le"), WrongFileType, "UTF-16"),
        (bytes(range(256)) * 20, WrongFileType, "binary|header"),
        (b"PK\x03\x04 not really a zip", DamagedArchive, "damaged"),
        (b"<html><body>Not found</body></html>\n", MissingColumns, "NPI"),
        (b"name,phone\nLEE,5\n", MissingColumns, "name, phone"),
        (b"1679576722,LEE\n1679576723,KIM\n", MissingColumns, "header"),
        (b"NPI;Provider First Name;x\n1;2;3\n", MissingColumns, "something else than commas"),
        (b"NPI,npi\n1,2\n", WrongFileType, "'NPI' and 'npi'"),
        (b"NPI,Provider Sex Code,Provider Gender Code\n1,M,M\n", WrongFileType, "same field"),
        (b'"NPI,Name\n1,2\n', MissingColumns, "NPI"),
    ],
)
def test_what_is_no_provider_file(
    database: Database, tmp_path: Path, content: bytes, refusal: type[BadInput], said: str
) -> None:
    """Each wrong file is refused by name of what is wrong, and no run is recorded."""
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    with pytest.raises(refusal, match=said):
        loaded(database, file)
    assert table(database, "SELECT count(*) FROM intake_runs") == [(0,)]


def test_missing_file_folder_and_rights(database: Database, tmp_path: Path) -> None:
    """A path that leads to no file is refused with the path."""
    with pytest.raises(UnreadableFile, match="no file"):
        loaded(database, tmp_path / "absent.csv")
    with pytest.raises(UnreadableFile, match="folder"):
        loaded(database, tmp_path)
    with pytest.raises(BadInput, match="no file was named"):
        loaded(database)


def test_one_bad_file_of_several_stops_all(database: Database, tmp_path: Path) -> None:
    """All files are recognised before the first one is written."""
    good = write(tmp_path / "a.csv", SMALL, [person(1)])
    with pytest.raises(UnreadableFile):
        loaded(database, good, tmp_path / "absent.csv")
    assert records(database, "id") == []


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
def test_corrupt_zip_writes_nothing(database: Database, tmp_path: Path, place: float) -> None:
    """A zip with a flipped bit is refused whole, also where the damage is near the end."""
    file = zipped(tmp_path / "a.zip", {CSV: small_csv(tmp_path, 5000)})
    before = everything(database)
    content = bytearray(file.read_bytes())
    content[int(len(content) * place)] ^= 0x10
    file.write_bytes(bytes(content))
    with pytest.raises(DamagedArchive, match="damaged"):
        loaded(database, file)
    assert everything(database) == before


def test_truncated_zip_is_refused(database: Database, tmp_path: Path) -> None:
    """A download that stopped half-way is refused."""
    file = zipped(tmp_path / "a.zip", {CSV: small_csv(tmp_path, 500)})
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(DamagedArchive, match="download it again"):
        loaded(database, file)


def test_zip_bomb_is_refused_at_once(database: Database, tmp_path: Path) -> None:
    """A zip that declares more than 200 times its size is refused in less than a second."""
    file = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(CSV, "w", force_zip64=True) as member,
    ):
        for _ in range(64):
            member.write(bytes(1 << 20))
    begun = time.perf_counter()
    with pytest.raises(SuspiciousArchive, match="zip bomb"):
        open_data(file, 40)
    assert time.perf_counter() - begun < 1
    with pytest.raises(SuspiciousArchive):
        loaded(database, file)


def test_zip_larger_than_allowed_is_refused(tmp_path: Path) -> None:
    """A member that declares more than WORKQUEUE_MAX_UNPACKED_GB is refused before unpacking."""
    file = zipped(tmp_path / "a.zip", {CSV: small_csv(tmp_path)}, zipfile.ZIP_STORED)
    content = bytearray(file.read_bytes())
    # The size in the central directory, 24 bytes behind its signature: here 2 GB.
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 2_000_000_000)
    file.write_bytes(bytes(content))
    with pytest.raises(SuspiciousArchive, match="WORKQUEUE_MAX_UNPACKED_GB"):
        open_data(file, 1)


def test_zip_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    """A member that unpacks to something else than it declares is damaged."""
    file = zipped(tmp_path / "a.zip", {CSV: small_csv(tmp_path, 500)})
    content = bytearray(file.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 100)
    file.write_bytes(bytes(content))
    with pytest.raises(DamagedArchive):
        open_data(file, 40)


def test_encrypted_zip_is_refused(tmp_path: Path) -> None:
    """An encrypted member is refused with what to do."""
    file = zipped(tmp_path / "a.zip", {CSV: small_csv(tmp_path)})
    content = bytearray(file.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    file.write_bytes(bytes(content))
    with pytest.raises(WrongFileType, match="encrypted"):
        open_data(file, 40)


@pytest.mark.parametrize("names", [(), ("readme.txt",), ("a.csv", "b.csv"), ("x/", "a.pdf")])
def test_zip_without_one_table_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    """A zip that holds no csv, or several, is refused with what it holds."""
    file = zipped(tmp_path / "a.zip", dict.fromkeys(names, b"x"))
    with pytest.raises(WrongFileType, match="found: "):
        open_data(file, 40)


def test_any_single_csv_in_a_zip_will_do(database: Database, tmp_path: Path) -> None:
    """A zip of one's own may name its csv as it likes."""
    file = zipped(tmp_path / "a.zip", {"folder/mine.csv": small_csv(tmp_path)})
    assert loaded(database, file).loaded == 3


@pytest.mark.parametrize("encoding", ["utf-16", "no-such", "shift_jis", "utf-7"])
def test_encoding_must_be_usable(database: Database, tmp_path: Path, encoding: str) -> None:
    """An encoding in which lines cannot be told apart, or that does not exist, is refused."""
    file = write(tmp_path / "a.csv", SMALL, [person(1)])
    with pytest.raises(BadInput, match="windows-1252"):
        loaded(database, file, encoding=encoding)


def test_source_nppes_needs_the_npi(database: Database, tmp_path: Path) -> None:
    """A file with a source key but without NPI is no file of NPPES."""
    file = tmp_path / "a.csv"
    file.write_text("Source Key,last_name\nA,LEE\n", encoding="utf-8")
    with pytest.raises(MissingColumns, match="NPI, which source NPPES needs"):
        loaded(database, file)
    assert loaded(database, file, source="Clinic").loaded == 1


def test_too_small_a_disk_is_refused_before(tmp_path: Path) -> None:
    """A file far larger than the free space is refused with both sizes, a small one is not."""
    file = write(tmp_path / "a.csv", SMALL, [person(1)])
    data = open_data(file, 40)
    require_space(tmp_path, data, 0, first=True)
    huge = type(data)(data.name, 10**18, data.digest, data.open)
    with pytest.raises(DiskTooSmall, match="WORKQUEUE_HOME"):
        require_space(tmp_path, huge, 0, first=True)


def test_workbook_that_is_none(tmp_path: Path) -> None:
    """A damaged workbook is refused, not read as an archive of something."""
    file = zipped(tmp_path / "a.xlsx", {"[Content_Types].xml": b"x", "xl/workbook.xml": b"x"})
    with pytest.raises(WrongFileType, match="workbook"):
        open_data(file, 40)


def test_stream_of_a_zip_gives_the_csv(tmp_path: Path) -> None:
    """What is read from a zip is the csv inside, byte for byte."""
    content = small_csv(tmp_path, 100)
    data = open_data(zipped(tmp_path / "a.zip", {CSV: content}), 40)
    with data.open() as stream:
        assert io.BytesIO(stream.read()).getvalue() == content
    assert data.size == len(content)
