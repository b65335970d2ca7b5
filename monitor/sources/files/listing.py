"""Which files there are, and of which format."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from errno import EACCES
from pathlib import Path
from stat import S_ISREG

from monitor.sources.base import SourceError
from monitor.sources.files.identity import head_bytes
from monitor.sources.files.track import Found, Kind

_WORDS: dict[str, Kind] = {
    "ndjson": "ndjson",
    "jsonl": "ndjson",
    "json": "ndjson",
    "csv": "csv",
    "tsv": "csv",
    "parquet": "parquet",
    "pq": "parquet",
}
RIGHTS_HINT = "may this user read it?"
_UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".crc", ".swp", ".inprogress", "~")
_MAGIC = b"PAR1"
_PROBE = 4096
_DIGITS = re.compile(r"(\d+)")


def find_files(patterns: Sequence[str]) -> list[Found]:
    """Files that the patterns name now and that are not empty; oldest change first, then in natural order of names.

    A directory stands for all files in it and below; hidden ones, those that begin with `_` and those whose ending
    tells that they are being written are left out.

    Raises:
        SourceError: a folder that a pattern names cannot be looked into.
    """
    found: dict[tuple[int, int], Found] = {}
    try:
        paths = [path for pattern in patterns for path in _expand(pattern)]
    except OSError as error:
        raise SourceError(f"cannot look into {error.filename}: {error.strerror}", RIGHTS_HINT) from error
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            continue
        if stat.st_size and S_ISREG(stat.st_mode):
            inode = (stat.st_dev, stat.st_ino)
            found.setdefault(inode, Found(path, stat.st_size, stat.st_mtime, inode))
    return sorted(found.values(), key=lambda f: (f.modified, natural(str(f.path))))


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key under which `part-10` comes after `part-9`."""
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in _DIGITS.split(text) if p)


def kind_of(path: Path, configured: str) -> Kind:
    """The format of a file: as configured, by its name (`app.ndjson.1`, `day.csv.gz`), or by its first bytes.

    Raises:
        OSError: it cannot be read.
    """
    if configured in ("ndjson", "csv", "parquet"):
        return configured  # type: ignore[return-value]
    for word in reversed(re.split(r"[.\-]", path.name.lower())):
        if word in _WORDS:
            return _WORDS[word]
    head = head_bytes(path, _PROBE)
    if head.startswith(_MAGIC):
        return "parquet"
    return "ndjson" if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[", b"") else "csv"


def is_complete_table(path: Path) -> bool:
    """A Parquet file that has been written to its end.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 4))
        return size > 2 * len(_MAGIC) and file.read() == _MAGIC


def _expand(pattern: str) -> Iterator[Path]:
    path = Path(pattern).expanduser()
    if path.is_dir():
        if not os.access(path, os.R_OK | os.X_OK):  # `rglob` would find nothing and say nothing
            raise PermissionError(EACCES, os.strerror(EACCES), str(path))
        yield from (p for p in path.rglob("*") if _is_data(p.relative_to(path)))
    elif glob.has_magic(pattern) and not path.exists():
        yield from (Path(name) for name in glob.iglob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    else:
        yield path


def _is_data(path: Path) -> bool:
    return not any(part.startswith((".", "_")) for part in path.parts) and not path.name.endswith(_UNFINISHED)
