"""A block of lines as arrays: where lines begin and end, and which of them need a closer look."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from monitor.decode.assembly import KEPT_BYTES

Bytes = npt.NDArray[np.uint8]
Bounds = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

BOM = b"\xef\xbb\xbf"
_NEWLINE, _SPACE, _BACKSLASH, _ASCII = 10, 32, 92, 128
_RETURN = 13
_CAPITAL = 32
"""The bit in which small letters differ from capitals."""

_SCAN_BYTES = 2**20
"""Bytes that are compared at once, so that what comparisons give does not take the memory of a whole block. Less would
fit the cache better, but each comparison gives other threads their turn."""


def find_byte(data: Bytes, byte: int) -> Rows:
    """The places of a byte, rising."""
    pieces = ((at, data[at : at + _SCAN_BYTES]) for at in range(0, len(data), _SCAN_BYTES))
    return _together([np.flatnonzero(piece == byte) + at for at, piece in pieces])


def find_pair(data: Bytes, byte: int, letter: int) -> Rows:
    """The places of a byte that a small letter or its capital follows, rising."""
    pieces = ((at, data[at : at + _SCAN_BYTES + 1]) for at in range(0, len(data), _SCAN_BYTES))
    return _together(
        [np.flatnonzero((p[:-1] == byte) & (p[1:] | _CAPITAL == letter)) + at for at, p in pieces]
    )


def count_where(data: Bytes, compare: Callable[[Bytes], Mask]) -> int:
    """How many bytes a comparison finds."""
    pieces = (data[at : at + _SCAN_BYTES] for at in range(0, len(data), _SCAN_BYTES))
    return sum(int(np.count_nonzero(compare(piece))) for piece in pieces)


def _together(found: list[Rows]) -> Rows:
    return np.concatenate(found) if found else np.empty(0, np.intp)


class Block:
    """Lines of a file.

    Attributes:
        ascii: no byte is above 127.
        data: the bytes, with a line end at the end.
        offset: of the first byte in the file.
        bytes: the same as uint8, shape (len(data),).
        starts, ends: of each line in `data`, without the line end; int64, shape (lines,).
        firsts: number of the first line of each block that it is made of and, last, of all lines; int64, shape
            (blocks + 1,).
    """

    starts: Bounds
    ends: Bounds

    def __init__(self, data: bytes, offset: int, bounds: tuple[Bounds, Bounds] | None = None) -> None:
        """Find the lines; the last one may lack its line end.

        Args:
            data: the lines.
            offset: of the first byte in the file.
            bounds: starts and ends, where they are known; then there are no other line ends in `data`.
        """
        self.data = data if data.endswith(b"\n") or not data else data + b"\n"
        self.offset = offset
        self.bytes = np.frombuffer(self.data, np.uint8)
        self.ascii = data.isascii()
        if bounds is not None:
            self.starts, self.ends = bounds
            return
        line_ends = find_byte(self.bytes, _NEWLINE)
        self.starts = np.concatenate([[0], line_ends + 1])[:-1].astype(np.int64)
        returns = np.zeros(len(line_ends), np.int64)
        if b"\r" in self.data:
            returns = ((line_ends > self.starts) & (self.bytes[line_ends - 1] == _RETURN)).astype(np.int64)
        self.ends = line_ends - returns

    def __len__(self) -> int:
        """Number of lines."""
        return len(self.starts)

    @property
    def firsts(self) -> Bounds:
        """One block; see the class."""
        return np.array([0, len(self)], np.int64)

    def line(self, i: int) -> bytes:
        """A line without white space around it and without a byte order mark."""
        data = self.data[self.starts[i] : self.ends[i]]
        if self.offset == 0 and i == 0:
            data = data.removeprefix(BOM)
        return data.strip(b" \t\r")

    def place(self, i: int) -> tuple[int, bytes]:
        """Offset of a line in the file and its first bytes."""
        return self.offset + int(self.starts[i]), self.line(i)[:KEPT_BYTES]

    def home(self, i: int) -> int:  # noqa: ARG002 - several blocks in one differ in this
        """Number of the block that a line comes from."""
        return 0

    def may_be_blank(self, i: int) -> bool:  # noqa: ARG002 - values of messages differ from lines in this
        """A line without anything in it is no record, and nothing is wrong with it."""
        return True

    def lines_of(self, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """The line of each byte position."""
        return np.asarray(np.searchsorted(self.starts, positions, side="right") - 1)

    def plain(self) -> Mask:
        """Lines without escapes, control characters or broken UTF-8: bool, shape (lines,)."""
        good = self.ends > self.starts
        if count_where(self.bytes, lambda piece: piece < _SPACE) != len(self):
            inside = np.flatnonzero((self.bytes < _SPACE) & (self.bytes != _NEWLINE))
            lines = self.lines_of(inside)
            good[lines[inside < self.ends[lines]]] = False
        if b"\\" in self.data:
            good[self.lines_of(np.flatnonzero(self.bytes == _BACKSLASH))] = False
        if self.offset == 0 and self.data.startswith(BOM):
            good[0] = False
        if not self.ascii:
            self._mark_broken_text(good)
        return good

    def _mark_broken_text(self, good: Mask) -> None:
        try:
            self.data.decode()
        except UnicodeDecodeError:
            for i in np.unique(self.lines_of(np.flatnonzero(self.bytes >= _ASCII))).tolist():
                try:
                    self.data[self.starts[i] : self.ends[i]].decode()
                except UnicodeDecodeError:
                    good[i] = False

    def joined(self, rows: Rows, room: int) -> bytes:
        """The chosen lines, each with a line end, and some zeros.

        The lines are as they stand if all are chosen, else one right behind the other.
        """
        return b"".join([self.data if len(rows) == len(self) else self.picked(rows), bytes(room)])

    def picked(self, rows: Rows) -> bytes:
        """The chosen lines, each with a line end, one right behind the other."""
        data, starts, ends = self.data, self.starts[rows].tolist(), self.ends[rows].tolist()
        return b"\n".join([*(data[s:e] for s, e in zip(starts, ends, strict=True)), b""])
