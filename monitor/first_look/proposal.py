"""A configuration for data that nobody has described: roles, windows, reference, with the reason for each."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from detectors.reference import Reference
from monitor.building import save_reference
from monitor.decode.mapping import Records
from monitor.decode.times import microseconds
from monitor.first_look.mapping import records
from monitor.first_look.raw import Raw, look
from monitor.first_look.roles import Roles
from monitor.first_look.spans import Choice, Clock, choose, clock_of
from monitor.referencing import SUFFIX, fit_reference, load_reference
from monitor.sources.whole import read_rows
from monitor.two_files import guess

MESSAGE_TIME = "@timestamp"
_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass
class Proposal:
    """What `init` writes.

    Attributes:
        name: the monitor's name.
        source: options of the source, as the configuration has them.
        raw: the data as it is. roles: what each column is.
        choice: windows. reference: the fitted yardstick, None where a built one is used as it is.
        reference_path: its place, as the configuration names it.
        reference_why: where the reference comes from, in a sentence.
        remarks: for the user.
        message_time: the records have no time that can be used, but their messages have.
    """

    name: str
    source: Mapping[str, Any]
    raw: Raw
    roles: Roles
    choice: Choice
    reference: Reference | None
    reference_path: str
    reference_why: str
    remarks: list[str] = field(default_factory=list)
    message_time: bool = False

    @property
    def records(self) -> Records:
        """The mapping, as far as it concerns the records themselves."""
        return records(self.raw, self.roles)


@dataclass(frozen=True)
class Topics:
    """Where the data came from, when it is a sample of topics.

    Attributes:
        name: what to call the monitor.
        source: options of the source, as the configuration has them.
        times: the messages' times in the order of the data, microseconds; None where some have none.
    """

    name: str
    source: Mapping[str, Any]
    times: pl.Series | None


def propose(
    data: str,
    output: Path,
    given: Mapping[str, Sequence[str]],
    *,
    reference: Path | None = None,
    window: str | None = None,
    topics: Topics | None = None,
) -> Proposal:
    """Look at data and propose a configuration; nothing is written.

    Args:
        data: a file, a folder or a glob.
        output: where the configuration will be.
        given: columns by role, as the user says.
        reference: other data, or a built reference; None to take the first part of the data.
        window: `1h` or `1000rows`; None to choose.
        topics: where the data is a sample of.

    Raises:
        NoDataError: the data cannot be read or has no rows.
        UnknownColumnError: a given column does not exist.
        TooFewRowsError: there is not enough data for a reference.
        ReferenceUnusableError: the reference cannot be used.
        UnfitWindowError: the wanted window cannot be had.
    """
    raw = look([data])
    roles = guess(raw, given)
    clock = _clock(raw, roles)
    message_time = (clock is None or not clock.orderly) and topics is not None and topics.times is not None
    if message_time and topics is not None and topics.times is not None:
        clock = clock_of(topics.times)
    marked = _marked(raw, roles) if reference is None else None
    built = _given(reference, raw, roles)
    known_rows = built.rows if built is not None else marked
    choice = choose(raw.frame.height, clock, known_rows, given_reference=reference is not None, window=window)
    if message_time or clock is None or not clock.orderly:
        _without_time(roles)
    several = [name for name in raw.frame.columns if _holds_rows(raw.frame[name].dtype)]
    found = Proposal(
        name=_NAME.sub("-", topics.name if topics else _stem(data)).strip("-.") or "model",
        source=topics.source if topics else {"type": "files", "path": _seen_from(data, output)},
        raw=raw,
        roles=roles,
        choice=choice,
        reference=built,
        reference_path=output.with_suffix(SUFFIX).name,
        reference_why="",
        remarks=[
            f"{raw.path(name)} holds several rows in each record: set `expand: {raw.path(name)}` under `records`, and "
            "write paths into other arrays with [*]"
            for name in several[:1]
        ],
        message_time=message_time,
    )
    return _with_reference(found, data, output, reference, marked)


def _with_reference(
    found: Proposal, data: str, output: Path, reference: Path | None, marked: int | None
) -> Proposal:
    if reference is not None:
        found.reference_why = (
            f"all {found.reference.rows if found.reference else 0:,} rows of {reference.name}"
        )
        if reference.suffix == SUFFIX:
            found.reference, found.reference_path = None, _seen_from(str(reference), output)
        return found
    rows = found.choice.reference_rows
    place = "marked `reference` in the data" if marked else "from the beginning of the data"
    found.reference_why = (
        f"the {rows:,} rows {place}; the same rows come again in a replay, where they are quiet"
    )
    read = read_rows([data], found.records)
    if read.rejected:
        found.remarks.append(f"{read.rejected:,} records cannot be read ({read.rejects[0].reason})")
    found.reference = fit_reference(
        read.frame.head(rows), read.columns, f"the first {rows:,} rows of {found.name}"
    )
    return found


def write(found: Proposal, output: Path, text: str) -> None:
    """Write the configuration and, where one was fitted, the reference beside it.

    Raises:
        OSError: they cannot be written.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    if found.reference is not None:
        save_reference(found.reference, output.parent / found.reference_path)
    output.write_text(text, encoding="utf-8")


def _holds_rows(dtype: pl.DataType) -> bool:
    """An array of arrays or objects."""
    return isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.List | pl.Struct)


def _given(reference: Path | None, raw: Raw, roles: Roles) -> Reference | None:
    """The reference that the user names, built or fitted."""
    if reference is None:
        return None
    return load_reference(reference, records(raw, roles))


def _clock(raw: Raw, roles: Roles) -> Clock | None:
    if "timestamp" not in roles.of:
        return None
    return clock_of(microseconds(raw.frame[roles.of["timestamp"]]))


def _without_time(roles: Roles) -> None:
    """A time that cannot close windows is no timestamp: rows would count as late."""
    name = roles.of.get("timestamp")
    if name is not None and roles.why[name] != "given on the command line":
        del roles.of["timestamp"]
        roles.ignored.append(name)
        roles.why[name] = "a time, but the rows are not in its order"


def _marked(raw: Raw, roles: Roles) -> int | None:
    """Rows at the beginning that a column such as `partition` calls `reference`; None where none does."""
    for name in roles.ignored:
        series = raw.frame[name]
        if (
            series.dtype == pl.String
            and roles.columns[name].blocks
            and series[0] in {"reference", "train", "training"}
        ):
            return int((series == series[0]).sum())
    return None


def _stem(data: str) -> str:
    path = Path(data)
    name = path.parent.name if "*" in path.name else path.name
    return name.split(".")[0] or "model"


def _seen_from(data: str, output: Path) -> str:
    """The data's place relative to the configuration's folder; absolute where it was given so."""
    if Path(data).is_absolute():
        return data
    return os.path.relpath(Path(data).absolute(), output.absolute().parent)


def options(found: Proposal) -> dict[str, Any]:
    """The monitor's options as the configuration has them, without comments."""
    window: dict[str, Any] = (
        {"length": found.choice.name} if found.choice.length else {"rows": found.choice.rows}
    )
    return {
        "name": found.name,
        "source": dict(found.source),
        "records": {
            **found.records.model_dump(mode="json", exclude_defaults=True),
            **({"timestamp": MESSAGE_TIME} if found.message_time else {}),
        },
        "reference": {"type": "file", "path": found.reference_path},
        "windows": [{**window, "min_rows": found.choice.min_rows}],
    }
