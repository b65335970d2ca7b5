"""Where the row groups of a Parquet file begin: the few numbers of its footer that polars does not tell.

Reading whole row groups costs half of what slices across them cost. The footer is a Thrift structure in the compact
protocol (parquet.thrift, FileMetaData); only the sizes of the row groups are taken, everything else is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

_ROW_GROUPS, _GROUP_ROWS = 4, 3
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS: Final = (4, 5, 6)
_TAIL = 8
_MOST_BYTES = 16 * 2**20


def row_group_sizes(path: Path) -> list[int]:
    """Rows in each row group, in the order of the file; [] where the footer is of another kind or very large.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        length = int.from_bytes(file.read(4), "little")
        if length > min(size - _TAIL, _MOST_BYTES):
            return []
        file.seek(size - _TAIL - length)
        data = file.read(length)
    try:
        return _Footer(data).sizes()
    except (IndexError, ValueError, RecursionError):
        return []


class _Footer:
    """A cursor over the compact protocol."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def sizes(self) -> list[int]:
        found: list[int] = []

        def group(field: int, kind: int) -> bool:
            if field != _GROUP_ROWS or kind not in _INTEGERS:
                return False
            found.append(self._signed())
            return True

        def top(field: int, kind: int) -> bool:
            if field != _ROW_GROUPS or kind != _LIST:
                return False
            count, _ = self._list_head()
            for _ in range(count):
                self._struct(group)
            return True

        self._struct(top)
        return found

    def _struct(self, take: Callable[[int, int], bool]) -> None:
        """Go through a structure; `take` reads the fields that it wants, the others are passed over."""
        field = 0
        while head := self._byte():
            delta, kind = head >> 4, head & 15
            field = field + delta if delta else self._signed()
            if not take(field, kind):
                self._skip(kind)

    def _skip(self, kind: int) -> None:
        if kind in _INTEGERS:
            self._varint()
        elif kind == _BYTE:
            self._at += 1
        elif kind == _DOUBLE:
            self._at += 8
        elif kind == _BINARY:
            length = self._varint()
            self._at += length
        elif kind in (_LIST, _SET):
            count, inner = self._list_head()
            for _ in range(count):
                self._skip(_BYTE if inner in (_TRUE, _FALSE) else inner)
        elif kind == _STRUCT:
            self._struct(lambda _field, _kind: False)
        elif kind not in (_TRUE, _FALSE):
            raise ValueError(kind)

    def _list_head(self) -> tuple[int, int]:
        head = self._byte()
        count = head >> 4
        return (self._varint() if count == 15 else count), head & 15  # noqa: PLR2004 - a longer list tells its size

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:  # noqa: PLR2004 - the highest bit tells that more follows
                return value
            shift += 7

    def _signed(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
