"""Values of messages as lines of text: where they lie close together they are not cut out one by one."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Longs = npt.NDArray[np.int64]

_BLANK, _NEWLINE = b" \n"
_MUCH_BETWEEN = 0.25
"""Where keys, headers and others take a larger part of the buffer than this share of the values, these are copied."""


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    r"""Values of messages, each followed by a line end: what the readers of lines work on.

    Attributes:
        data: the values that are not null, in order, a line end behind each; before one there may be blanks.
        starts, ends: of each value in `data`, without that line end; int64, shape (lines,). A value may hold line ends
            itself (pretty-printed JSON), so they cannot be found again by looking for line ends: where
            `data.count(b"\n") > len(starts)`, some do.
        rows: number of the message of each line; int64, shape (lines,). Messages that are missing here are null.
    """

    data: bytes
    starts: Longs
    ends: Longs
    rows: Longs


def lines_in(data: bytes, starts: Longs, ends: Longs) -> Lines:
    """The values that lie between the bounds, those with a negative start left out; shape (n,)."""
    rows = np.flatnonzero(starts >= 0).astype(np.int64)
    starts, ends = starts[rows], ends[rows]
    widths = ends - starts
    if len(rows) and _dense(starts, ends, widths):
        return Lines(_cleared(data, starts, ends), starts - starts[0], ends - starts[0], rows)
    pieces = [data[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    pieces.append(b"")
    places = np.cumsum(widths + 1) - (widths + 1)
    return Lines(b"\n".join(pieces), places, places + widths, rows)


def _dense(starts: Longs, ends: Longs, widths: Longs) -> bool:
    """Values follow each other in the buffer, with at least a byte and not much more between them."""
    between = starts[1:] - ends[:-1]
    return bool((between > 0).all()) and int(between.sum()) <= _MUCH_BETWEEN * int(widths.sum())


def _cleared(data: bytes, starts: Longs, ends: Longs) -> bytes:
    """The stretch of a buffer in which values lie: a line end behind each, and blanks up to the next."""
    buffer = io.BytesIO(memoryview(data)[starts[0] : ends[-1]])
    buffer.seek(0, io.SEEK_END)
    buffer.write(b"\n")
    with buffer.getbuffer() as view:
        found = np.frombuffer(view, np.uint8)
        between, places = starts[1:] - ends[:-1], ends[:-1] - starts[0]
        jumps = np.repeat(places - (np.cumsum(between) - between), between)
        jumps += np.arange(len(jumps))
        found[jumps] = _BLANK
        found[places] = _NEWLINE
        del found  # it looks at the buffer, which cannot be closed before
    return buffer.getvalue()
