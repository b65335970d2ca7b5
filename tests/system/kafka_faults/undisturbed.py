"""The same rows read by a daemon that nothing happens to, from a file: what its windows and alerts are."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from detectors.base import Cause
from monitor.alerts.track import fingerprint
from tests.system.kafka_faults.ledger import HOUR, Row
from tests.system.kafka_faults.member import MICROSECONDS, Member

MISSING = fingerprint("loans", "", "", Cause.SOURCE)
"""The alert about gaps: a file has none."""


def undisturbed(folder: Path, rows: Iterable[Row], like: Member) -> Member:
    """A daemon that has read some rows, with the mapping, windows and reference of another one."""
    folder.mkdir()
    ordered = sorted(rows, key=_time)
    (folder / "rows.ndjson").write_bytes(b"".join(row.value + b"\n" for row in ordered))
    source = {"type": "files", "path": str(folder / "rows.ndjson")}
    member = Member(folder / "daemon", source, like.reference)
    member.run_once()
    return member


def _time(row: Row) -> int:
    return row.time


def results(member: Member, before: int) -> dict[tuple[Any, ...], Any]:
    """The closed windows that begin before some time: rows, verdict and all results."""
    return {
        (name, version, segment, begin, end): (rows, verdict, orjson.loads(text))
        for name, version, segment, begin, end, rows, verdict, text in member.windows()
        if begin < before
    }


def alerts(member: Member, before: int) -> list[tuple[Any, ...]]:
    """What happened to alerts up to some time, but for those about gaps."""
    latest = before * MICROSECONDS
    return [
        (which, state, at) for which, state, at in member.transitions() if which != MISSING and at <= latest
    ]


def end_of(rows: Iterable[Row]) -> int:
    """End of the last hour that has rows, but for those of a later day that close all windows."""
    hours = sorted({row.time // HOUR * HOUR for row in rows})
    return hours[-2] + HOUR
