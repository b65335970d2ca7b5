"""Records that could not be read, kept for people: a bounded NDJSON file."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import structlog

from monitor.records import Reject

log = structlog.get_logger()

LIMIT_BYTES = 64 * 2**20
"""Size at which the file is put aside as `….1`; the one that was there before is dropped."""

REMEMBERED = 20_000
_TAIL_BYTES = 8 * 2**20


class DeadLetters:
    """Appends rejected records, each once.

    They are written before the state's commit: after a crash the source gives the same records again, and those that
    the end of the file already holds are left out. A disk that is full stops nothing; what could not be written is
    counted in `lost`.

    Attributes:
        lost: records that could not be written.
    """

    def __init__(self, path: Path | None, limit_bytes: int = LIMIT_BYTES) -> None:
        """Remember what the end of the file holds.

        Args:
            path: the file; None keeps nothing.
            limit_bytes: size at which the file is put aside.
        """
        self.lost = 0
        self._path = path
        self._limit = limit_bytes
        self._held: set[tuple[str, int]] = set()
        self._failing = False
        if path is not None:
            self._held = set(_keys(_tail(path)))

    def write(self, rejects: Sequence[Reject]) -> None:
        """Append records that are not in the file yet."""
        fresh = [reject for reject in rejects if (reject.partition, reject.offset) not in self._held]
        if self._path is None or not fresh:
            return
        try:
            self._append(self._path, b"".join(letter(reject) for reject in fresh))
            self._failing = False
        except OSError as error:
            self.lost += len(fresh)
            if not self._failing:
                log.warning("dead letters cannot be written", path=str(self._path), error=error.strerror)
            self._failing = True

    def _append(self, path: Path, data: bytes) -> None:
        with path.open("ab+") as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(size - 1)
                data = data if file.read(1) == b"\n" else b"\n" + data
            try:
                file.write(data)
                file.flush()
            except OSError:
                file.truncate(size)
                raise
        if size + len(data) > self._limit:
            path.replace(path.with_name(path.name + ".1"))


def letter(reject: Reject) -> bytes:
    """One line of the file."""
    return orjson.dumps(entry_of(reject), option=orjson.OPT_APPEND_NEWLINE)


def entry_of(reject: Reject) -> dict[str, Any]:
    """JSON values: `reason`, `detail`, `partition`, `offset` and the record as `text` or `base64`."""
    entry: dict[str, Any] = {
        "reason": reject.reason,
        "detail": reject.detail,
        "partition": reject.partition,
        "offset": reject.offset,
    }
    try:
        entry["text"] = reject.data.decode()
    except UnicodeDecodeError:
        entry["base64"] = base64.b64encode(reject.data).decode()
    return entry


def data_of(entry: Mapping[str, Any]) -> bytes:
    """The record's bytes in what `entry_of` made."""
    return entry["text"].encode() if "text" in entry else base64.b64decode(entry["base64"])


def _tail(path: Path) -> Iterable[bytes]:
    """The last lines of the file, and of the one that was put aside when this one is young."""
    lines: list[bytes] = []
    for place in (path.with_name(path.name + ".1"), path):
        try:
            with place.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL_BYTES))
                lines += file.read().split(b"\n")
        except OSError:
            continue
    return lines[-REMEMBERED:]


def _keys(lines: Iterable[bytes]) -> Iterable[tuple[str, int]]:
    for line in lines:
        try:
            entry = orjson.loads(line)
            yield str(entry["partition"]), int(entry["offset"])
        except (ValueError, KeyError, TypeError):
            continue
