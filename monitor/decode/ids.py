"""The identifiers of messages alone, for joins and for sampling by identifier: no other column is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from monitor.decode.beside import beside_column
from monitor.decode.formats import ValueReader
from monitor.decode.ndjson import NdjsonReader
from monitor.decode.paths import MessagePath, parse_place
from monitor.decode.plan import Plan, Target, Want
from monitor.records import ID

if TYPE_CHECKING:
    from monitor.sources.kafka.messages import Messages


class IdReader:
    """Reads one identifier of each message.

    `IdReader("$.request_id", values).ids(messages)`; keep it, as it remembers the shapes that it met.
    """

    def __init__(self, path: str, values: ValueReader | None = None, max_record_bytes: int = 2**20) -> None:
        """Prepare to read.

        Args:
            path: `$.id`, or beside the record: `@key`, `@headers.ce_id`.
            values: reads the values; None: JSON.
            max_record_bytes: longer records have no identifier; they are refused later.

        Raises:
            ValueError: the path is not well-formed.
        """
        self.place = parse_place(path)
        self._values = values or ValueReader()
        record = None if isinstance(self.place, MessagePath) else self.place
        plan = Plan((Target(ID, Want.TEXT, record),), None, (), frozenset(), open=False, expand=None)
        self._lines = NdjsonReader(plan, max_record_bytes)

    def ids(self, messages: Messages) -> pl.Series:
        """The identifiers as text, shape (n,): numbers as `Decoder` writes them, null where there is none.

        A message with several records has the identifier of its first one. Values that cannot be read have none;
        `Decoder.messages` tells why.

        Raises:
            SourceError: a schema cannot be had now.
        """
        if isinstance(self.place, MessagePath):
            return beside_column(messages, self.place).cast(pl.String)
        block = self._values.read(messages).block
        found = self._lines.rows(block, messages.name)
        homes, first = np.unique(block.homes[found.lines], return_index=True)
        if len(homes) == len(found.lines) == len(messages):
            return found.cells[0].values
        rows = np.full(len(messages), -1, np.int64)
        rows[homes] = first
        places = pl.Series(rows)
        return found.cells[0].values.gather(places.set(places < 0, None))
