"""What messages bring beside their records, as columns: keys, headers, times, offsets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from detectors.layout import Odd
from monitor.decode.assembly import convert, nothing
from monitor.decode.cells import Cells
from monitor.decode.paths import MessagePath
from monitor.decode.plan import Plan, Target, Want

if TYPE_CHECKING:
    from monitor.sources.kafka.messages import Messages

_ATTRIBUTE = ("ce_", "ce-")
"""CloudEvents attributes: in headers of Kafka, and in those that a bridge took over from HTTP."""

_MILLISECOND = 1000


def beside_cells(
    plan: Plan, target: Target, messages: Messages, sides: Mapping[str, Messages] | None = None
) -> Cells:
    """A converted column with one value for each message.

    Args:
        plan: the mapping.
        target: one of `plan.beside`.
        messages: where paths without a side look.
        sides: of a join: messages of `request`, `response` and `label`, row by row those that `messages` were made of;
            offset -1 where a side has none.
    """
    place = target.beside
    if place is None or (place.side not in {"", "join"} and place.side not in (sides or {})):
        return nothing(target, len(messages))
    if place.side == "join":
        series = _join_latency(sides or {}, len(messages))
    else:
        series = beside_column((sides or {}).get(place.side, messages), place, target.want)
    cells = convert(plan, target, series, text=place.field in {"key", "headers"})
    if not target.modelled:
        return cells
    missing = series.is_null().to_numpy()
    odd = np.zeros(len(series), np.uint8) if cells.odd is None else cells.odd
    return Cells(cells.values, np.where(missing, np.uint8(Odd.MISSING), odd).astype(np.uint8))


def beside_column(messages: Messages, place: MessagePath, want: Want = Want.TEXT) -> pl.Series:
    """The raw values of a path, one for each message; null where a message has none.

    Keys and headers are text, bytes that are no UTF-8 their hexadecimal digits. A timestamp is a moment where one is
    wanted, else milliseconds as Kafka has it.
    """
    if place.field == "key":
        return texts(messages.keys())
    if place.field == "headers":
        return texts(header_values(messages, place.header))
    if place.field == "topic":
        series = pl.repeat(messages.topic, len(messages), dtype=pl.String, eager=True)
    elif place.field == "partition":
        series = pl.repeat(messages.partition, len(messages), dtype=pl.Int64, eager=True)
    elif place.field == "offset":
        series = pl.Series(messages.offsets)
    else:
        times = pl.Series(messages.timestamps)
        times = times.set(times < 0, None)
        series = times.cast(pl.Datetime("us")) if want is Want.TIME else times // _MILLISECOND
    absent = messages.offsets < 0
    return series.set(pl.Series(absent), None) if absent.any() else series


def header_values(messages: Messages, name: str) -> Sequence[bytes | None]:
    """A header's value in each message, the last of that name; `ce_id` finds `ce-id` as well."""
    found = messages.header_column(name)
    prefix = name[: len(_ATTRIBUTE[0])]
    if prefix not in _ATTRIBUTE or all(value is not None for value in found):
        return found
    other = _ATTRIBUTE[1 - _ATTRIBUTE.index(prefix)] + name[len(prefix) :]
    pairs = zip(found, messages.header_column(other), strict=True)
    return [one if one is not None else two for one, two in pairs]


def texts(values: Sequence[bytes | None]) -> pl.Series:
    """Bytes as text."""
    try:
        return pl.Series(values, dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.ComputeError:
        return pl.Series([None if value is None else _text(value) for value in values], dtype=pl.String)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


def _join_latency(sides: Mapping[str, Messages], rows: int) -> pl.Series:
    """Time from request to response; null where one of them or its time is missing."""
    kind = pl.Duration("us")
    if "request" not in sides or "response" not in sides:
        return pl.repeat(None, rows, dtype=kind, eager=True)
    request, response = sides["request"].timestamps, sides["response"].timestamps
    known = (request >= 0) & (response >= 0)
    found = pl.Series(np.where(known, response - request, 0))
    return found.set(pl.Series(~known), None).cast(kind)
