"""Many lines of one template at once: columns of values, and which lines really fit.

Lines are cut at their commas, the constant parts are compared where they must stand, values must begin and end as JSON
has it, and quotation marks are counted. In the lines that pass, commas are put around the values, and the CSV reader
reads each as what it is. Nothing is taken on trust: a line counts as fitting only when every byte of it is accounted
for; all others are left to the reader of single lines.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from monitor.decode.blocks import Block, Bytes, Mask, Rows, count_where, find_byte, find_pair
from monitor.decode.skeleton import WINDOW, Indices, Skeleton, skeleton
from monitor.decode.templates import Shape, Template

Values = dict[int, pl.Series]

_QUOTE, _COMMA, _POINT, _E, _N, _MINUS, _ZERO = b'",.en-0'
_NULL = 4
_BOUNDS = 2**17
"""Bounds of tokens that are looked at together."""


def match(template: Template, block: Block, rows: Rows) -> tuple[Mask, Values]:
    """Read lines by a template.

    Args:
        template: what the lines may look like.
        block: the lines.
        rows: numbers of the plain lines to try.

    Returns:
        Which of them fit (bool, shape (rows,)), and for each token with a value the values of the lines that fit (null
        where the line has a null).
    """
    bones = skeleton(template)
    lines = _Lines(block, rows, bones.windows.reach)
    fits, bounds = lines.cut(len(template.tokens))
    good, nulls = _look(bones, lines.chars, bounds)
    lines.check_quotes(fits, good, template.quotes - 2 * nulls[bones.texts].sum(axis=0))
    if not good.all():
        bounds, nulls = bounds[:, good], nulls[:, good]
        fits[fits] = good
    if not fits.any():
        return fits, {}
    if not fits.all():
        bounds = lines.keep(fits, bounds)
    good, values = _values(template, bones, _fields(bones, lines, bounds), nulls)
    if not good.all():
        fits[fits] = good
        values = {token: column.filter(pl.Series(good)) for token, column in values.items()}
    return fits, values


class _Lines:
    """Whole lines, one after the other.

    Attributes:
        size: length of the lines together, with their line ends.
        chars: the lines and some zeros after them; uint8.
        starts, ends: of each line, without the line end; int64, shape (lines,).
    """

    chars: Bytes

    def __init__(self, block: Block, rows: Rows, room: int) -> None:
        """Take lines of a block, with room after them, so that a look at the end of the last one stays inside."""
        whole = len(rows) == len(block)
        widths = block.ends[rows] - block.starts[rows]
        self.starts = block.starts if whole else np.cumsum(widths + 1) - (widths + 1)
        self.ends = self.starts + widths
        self._room = room
        self._hold(block.joined(rows))

    def _hold(self, data: bytes) -> None:
        self.size = len(data)
        self._buffer = io.BytesIO(data)
        self._buffer.seek(self.size)
        self._buffer.write(bytes(self._room))
        self.chars = np.frombuffer(self._buffer.getbuffer(), np.uint8)

    def text(self) -> bytes:
        """The lines as they are now, without copying them; `chars` are no longer there afterwards."""
        del self.chars  # the buffer can be cut only while nobody looks at it
        try:
            self._buffer.truncate(self.size)
        except BufferError:  # somebody looks all the same: a profiler, say, which keeps a frame
            return bytes(self._buffer.getbuffer()[: self.size])
        return self._buffer.getvalue()

    def cut(self, tokens: int) -> tuple[Mask, Indices]:
        """Which lines have so many tokens between commas, and the bounds of these; shape (tokens + 1, lines)."""
        commas = find_byte(self.chars[: self.size], _COMMA)
        counts = np.diff(np.searchsorted(commas, self.starts), append=len(commas))
        fits = counts == tokens - 1
        if not fits.all():
            commas = commas[np.repeat(fits, counts)]
        bounds = np.empty((tokens + 1, int(fits.sum())), np.intp)
        bounds[0], bounds[-1] = self.starts[fits] - 1, self.ends[fits]
        bounds[1:-1] = commas.reshape(bounds.shape[1], tokens - 1).T
        return fits, bounds

    def check_quotes(self, chosen: Mask, good: Mask, wanted: Indices) -> None:
        """No quotation mark stands where none is accounted for; chosen lines where one does are no longer good."""
        data = self.chars[: self.size]
        if chosen.all() and good.all() and count_where(data, lambda piece: piece == _QUOTE) == wanted.sum():
            return
        good &= np.add.reduceat(data == _QUOTE, self.starts, dtype=np.intp)[chosen] == wanted

    def keep(self, chosen: Mask, bounds: Indices) -> Indices:
        """Drop the other lines; the bounds of the chosen ones in what is left."""
        widths = np.diff(self.starts, append=self.size)[chosen]
        old = self.starts[chosen]
        data = self.text()
        pieces = zip(old.tolist(), (old + widths).tolist(), strict=True)
        self._hold(b"".join([data[start:end] for start, end in pieces]))
        moved: Indices = old - (np.cumsum(widths) - widths)
        return np.asarray(bounds - moved)


def _look(bones: Skeleton, data: Bytes, bounds: Indices) -> tuple[Mask, npt.NDArray[np.bool_]]:
    """Compare lines with the skeleton, some at a time.

    Returns:
        Lines that may fit, shape (lines,), and which values are null, shape (values, lines).
    """
    count = bounds.shape[1]
    good = np.ones(count, dtype=bool)
    nulls = np.zeros((len(bones.tokens), count), dtype=bool)
    step = max(_BOUNDS // len(bounds), 1)
    for first in range(0, count, step):
        part = slice(first, first + step)
        look = _Look(bones, data, np.ascontiguousarray(bounds[:, part]), good[part], nulls[:, part])
        look.at_constants()
        look.at_values()
        look.at_points()
    return good, nulls


@dataclass
class _Look:
    """A look at some lines.

    Attributes:
        bones: what they should be like. data: the bytes. bounds: of their tokens.
        good: lines that may fit, to be marked. nulls: values that are null, to be marked.
    """

    bones: Skeleton
    data: Bytes
    bounds: Indices
    good: Mask
    nulls: npt.NDArray[np.bool_]

    def at_constants(self) -> None:
        """The constant parts stand where they must."""
        windows = self.bones.windows
        places = self.bounds[windows.bounds] + windows.offsets[:, None]
        np.maximum(places, 0, out=places)
        view = np.ndarray((len(self.data) - WINDOW + 1,), f"V{WINDOW}", self.data, 0, (1,))
        found = view[places.ravel()].view(np.uint64).reshape(*places.shape, WINDOW // 8)
        for i in range(WINDOW // 8):
            differences = found[:, :, i] & windows.masks[:, i, None]
            differences ^= windows.words[:, i, None]
            self.good &= np.bitwise_or.reduce(differences, axis=0) == 0
        if len(self.bones.fixed):
            fixed = self.bones.fixed
            widths = self.bounds[fixed + 1] - self.bounds[fixed] - 1
            self.good &= (widths == self.bones.widths[:, None]).all(axis=0)

    def at_values(self) -> None:
        """Values begin and end as JSON has it.

        The CSV reader lets `+1`, `.5`, `1.` and `01` pass.
        """
        bones = self.bones
        begins = self.bounds[bones.tokens] + bones.begins[:, None]
        ends = self.bounds[bones.tokens + 1] + bones.ends[:, None]
        first = self.data.take(begins, mode="clip")
        last = self.data.take(ends - 1, mode="clip")
        fine = ends > begins
        self._mark_nulls(first, begins, ends)
        quoted = (first[bones.texts] == _QUOTE) & (last[bones.texts] == _QUOTE)
        fine[bones.texts] &= quoted & (ends[bones.texts] - begins[bones.texts] > 1)
        fine[bones.numbers] &= self._numbers(begins[bones.numbers], first[bones.numbers], last[bones.numbers])
        self.good &= (fine | self.nulls).all(axis=0)

    def _numbers(self, begins: Indices, first: Bytes, last: Bytes) -> npt.NDArray[np.bool_]:
        """Numbers that begin with a digit or a minus and a digit, without needless zeros, and end with a digit."""
        second = self.data.take(begins + 1, mode="clip")
        leading = (first == _ZERO) & _digits(second)
        minus = first == _MINUS
        if minus.any():
            third = self.data.take(begins + 2, mode="clip")
            leading |= minus & ((second == _ZERO) & _digits(third) | ~_digits(second))
        return np.asarray((_digits(first) | minus) & _digits(last) & ~leading)

    def _mark_nulls(self, first: Bytes, begins: Indices, ends: Indices) -> None:
        strange = first == _N
        if not strange.any():
            return
        places = begins[strange][:, None] + np.arange(_NULL)
        found = (self.data.take(places, mode="clip") == np.frombuffer(b"null", np.uint8)).all(axis=1)
        strange[strange] = found & (ends[strange] - begins[strange] == _NULL)
        self.nulls |= strange

    def at_points(self) -> None:
        """A point before an exponent (`1.e5`) is no JSON either."""
        start, end = int(self.bounds[0, 0]) + 1, int(self.bounds[-1, -1])
        points = start + find_pair(self.data[start:end], _POINT, _E)
        if not len(points):
            return
        lines = np.searchsorted(self.bounds[0], points) - 1
        tokens = (self.bounds[1:, lines] < points).sum(axis=0)
        wrong = np.isin(tokens, self.bones.tokens[self.bones.numbers])
        self.good[lines[wrong]] = False


def _digits(characters: Bytes) -> npt.NDArray[np.bool_]:
    return characters - np.uint8(_ZERO) < np.uint8(10)


def _fields(bones: Skeleton, lines: _Lines, bounds: Indices) -> pl.DataFrame | None:
    """The values as columns of their types; None where the CSV reader sees the lines in another way."""
    step = max(_BOUNDS // len(bounds), 1)
    before, after = bones.tokens[bones.before], bones.tokens[bones.after] + 1
    for first in range(0, bounds.shape[1], step):
        part = bounds[:, first : first + step]
        lines.chars[(part[before] + bones.begins[bones.before, None] - 1).ravel()] = _COMMA
        lines.chars[(part[after] + bones.ends[bones.after, None]).ravel()] = _COMMA
    try:
        frame = pl.read_csv(
            lines.text(),
            has_header=False,
            schema=bones.schema,
            columns=bones.names,
            ignore_errors=True,
        )
    except pl.exceptions.PolarsError:
        return None
    return frame if frame.height == bounds.shape[1] else None


def _values(
    template: Template, bones: Skeleton, frame: pl.DataFrame | None, nulls: npt.NDArray[np.bool_]
) -> tuple[Mask, Values]:
    """Lines whose values could be read, and the columns of all."""
    good = np.full(nulls.shape[1], frame is not None)
    values: Values = {}
    if frame is None:
        return good, values
    for token, name, null in zip(bones.tokens.tolist(), bones.names, nulls, strict=True):
        column, shape = frame[name], template.tokens[token].shape
        if shape is Shape.BOOLEAN:
            column = column.replace_strict(
                {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
            )
        if shape is Shape.TEXT:
            values[token] = column.set(pl.Series(null), None) if null.any() else column
            continue
        if column.null_count() or null.any():
            good &= column.is_null().to_numpy() == null
        if shape is Shape.NUMBER:
            finite = np.isfinite(column.to_numpy())
            good &= finite | null if not finite.all() else True
        values[token] = column
    return good, values
