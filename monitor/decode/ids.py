"""The identifiers of messages alone, for joins and for sampling by identifier: no other column is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from monitor.decode.beside import beside_column, texts
from monitor.decode.cloud_events import wrapped
from monitor.decode.formats import ValueReader
from monitor.decode.heads import HeadReader
from monitor.decode.ndjson import NdjsonReader
from monitor.decode.paths import MessagePath, Path, parse_place
from monitor.decode.plan import Plan, Target, Want
from monitor.records import ID

WORTHWHILE = 16

if TYPE_CHECKING:
    from monitor.sources.kafka.messages import Messages


class IdReader:
    """Reads one identifier of each message.

    `IdReader("$.request_id", values).ids(messages)`; keep it, as it remembers the shapes that it met. Of JSON no more
    is read than what stands before the identifier: put it first, and most of a record is never looked at.

    Attributes:
        place: where the identifier stands.
        worthwhile: fewer messages are read one by one.
    """

    def __init__(
        self,
        path: str | Path | MessagePath,
        values: ValueReader | None = None,
        max_record_bytes: int = 2**20,
    ) -> None:
        """Prepare to read.

        Args:
            path: `$.id`, or beside the record: `@key`, `@headers.ce_id`.
            values: reads the values; None: JSON.
            max_record_bytes: longer records have no identifier; they are refused later.

        Raises:
            ValueError: the path is not well-formed.
        """
        self.place = parse_place(path) if isinstance(path, str) else path
        self.worthwhile = WORTHWHILE
        self._values = values or ValueReader()
        record = None if isinstance(self.place, MessagePath) else self.place
        plan = Plan((Target(ID, Want.TEXT, record),), None, (), frozenset(), open=False, expand=None)
        self._lines = NdjsonReader(plan, max_record_bytes)
        self._heads = HeadReader(plan)

    def ids(self, messages: Messages) -> pl.Series:
        """The identifiers as text, shape (n,): numbers as `Decoder` writes them, null where there is none.

        A message with several records has the identifier of its first one. A value that cannot be read may have one
        or none; `Decoder.messages` tells that it cannot.

        Raises:
            SourceError: a schema cannot be had now.
        """
        if isinstance(self.place, MessagePath):
            return beside_column(messages, self.place).cast(pl.String)
        return self._quickly(messages) if self._may_be_quick(messages) else self._slowly(messages)

    def _may_be_quick(self, messages: Messages) -> bool:
        """Values are JSON, or tell by their beginning that they are not."""
        plain = self._values.form in {"auto", "json"} and not wrapped(messages).any()
        return plain and len(messages) >= self.worthwhile

    def _quickly(self, messages: Messages) -> pl.Series:
        """By the beginnings of values alone; those of other shapes one by one."""
        there = np.flatnonzero(~messages.nulls)
        found, left = self._heads.read(messages.data, messages.starts[there], messages.ends[there])
        places = np.full(len(messages), -1, np.int64)
        places[there] = np.arange(len(there))
        names = texts(found) if len(there) == len(messages) else gathered(texts(found), places)
        if not len(left):
            return names
        rest = there[left]
        places = np.full(len(messages), -1, np.int64)
        places[rest] = np.arange(len(rest))
        others = gathered(self._slowly(messages.take(rest)), places)
        return names.zip_with(pl.Series(places < 0), others)

    def _slowly(self, messages: Messages) -> pl.Series:
        """By reading whole records."""
        block = self._values.read(messages).block
        found = self._lines.rows(block, messages.name)
        homes, first = np.unique(block.homes[found.lines], return_index=True)
        if len(homes) == len(found.lines) == len(messages):
            return found.cells[0].values
        places = np.full(len(messages), -1, np.int64)
        places[homes] = first
        return gathered(found.cells[0].values, places)


def gathered(values: pl.Series, places: npt.NDArray[np.int64]) -> pl.Series:
    """Values at places, null where a place is -1."""
    wanted = pl.Series(places)
    return values.gather(wanted.set(wanted < 0, None))
