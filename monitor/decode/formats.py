"""What the values of messages are, and how they become records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from monitor.decode.assembly import EMPTY_RECORD, KEPT_BYTES
from monitor.decode.avro import AvroReader, MalformedAvroError
from monitor.decode.avro_columns import AvroColumns
from monitor.decode.blocks import Mask
from monitor.decode.cloud_events import unwrapped, wrapped
from monitor.decode.framing import HEAD, MAGIC, Rows, first_bytes, schema_numbers
from monitor.decode.json_line import BadLineError
from monitor.decode.ndjson import Part
from monitor.decode.plan import Plan
from monitor.decode.schemas import Schemas, UnknownSchemaError
from monitor.decode.values import ValueBlock, cut_lines, one_each, text_lines
from monitor.records import Reject

if TYPE_CHECKING:
    from monitor.sources.kafka.messages import Messages

Format = Literal["auto", "json", "lines", "avro", "registry-json", "cloudevents"]
UNKNOWN_SCHEMA = "unknown_schema"
NO_SCHEMA_NUMBER = "no_schema_id"
MALFORMED_AVRO = "malformed_avro"
_OPENING = frozenset(b"{ \t\r\n")
"""Bytes that a JSON object may begin with."""


@dataclass
class Values:
    """Values of messages as lines.

    Attributes:
        block: the lines.
        rejects: messages whose values are none of the format.
        tombstones: number of messages without a value.
        parts: rows that were read without becoming lines; their `lines` are numbers of messages.
        unknown: such rows that carried an unknown column, by name.
    """

    block: ValueBlock
    rejects: list[Reject] = field(default_factory=list)
    tombstones: int = 0
    parts: list[Part] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)


@dataclass
class _Look:
    """What became of values that are not simply JSON.

    Attributes:
        messages: with values that begin behind what stands before their JSON.
        plan: what is wanted, where columns may be made at once.
        texts: values of other formats as JSON.
        refused: reason and detail of those that are no records.
        parts, unknown: see `Values`.
    """

    messages: Messages
    plan: Plan | None
    texts: dict[int, bytes] = field(default_factory=dict)
    refused: dict[int, tuple[str, str]] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)

    @property
    def done(self) -> Mask | None:
        """Messages that need no line; None where all do."""
        if not self.refused and not self.parts:
            return None
        found = np.zeros(len(self.messages), np.bool_)
        found[list(self.refused)] = True
        for part in self.parts:
            found[part.lines] = True
        return found


class ValueReader:
    """Makes records of the values of a topic's messages.

    Every message is looked at by itself, so formats may be mixed in a topic, but a block of one format costs one look.
    """

    def __init__(self, form: Format = "auto", schemas: Schemas | None = None) -> None:
        """Choose the format.

        Args:
            form: `auto` goes by what values begin with and by the header `content-type`.
            schemas: of the wire format with schema numbers, as `monitor.decode.registry.SchemaRegistry`.
        """
        self.form = form
        self._schemas = schemas
        self._readers: dict[int, AvroReader | None] = {}

    def read(self, messages: Messages, plan: Plan | None = None) -> Values:
        """The records of messages.

        Args:
            messages: of one partition.
            plan: what is wanted of them: where that is quicker, its columns are made at once.

        Raises:
            SourceError: a schema cannot be had now. Nothing is lost: call again with the same messages.
        """
        look = _Look(messages, plan)
        if self.form not in {"json", "lines"}:
            self._unframe(look)
            self._unwrap(look)
        lines = text_lines(look.messages, look.texts, look.done)
        if self.form == "lines":
            block, empty = cut_lines(messages, lines)
            look.refused |= dict.fromkeys(empty, (EMPTY_RECORD, "the value holds no line"))
        else:
            block = one_each(messages, lines, several=self.form != "json")
        rejects, tombstones = _rejects(messages, look.refused), int(messages.nulls.sum())
        return Values(block, rejects, tombstones, look.parts, look.unknown)

    def close(self) -> None:
        """Give back the registry's connections; they are made again when a schema is needed."""
        if self._schemas is not None:
            self._schemas.close()

    def _unframe(self, look: _Look) -> None:
        """Deal with values that begin with a schema's number."""
        messages = look.messages
        first = first_bytes(messages)
        framed: Mask = first == MAGIC
        if self.form in {"avro", "registry-json"}:
            for i in np.flatnonzero(~framed & ~messages.nulls).tolist():
                look.refused[i] = (
                    NO_SCHEMA_NUMBER,
                    "the value does not begin with a zero byte and a schema id",
                )
        if not framed.any():
            return
        rows = np.flatnonzero(framed)
        numbers = schema_numbers(messages, rows)
        bare: list[Rows] = []
        for number in np.unique(numbers).tolist():
            chosen = rows[numbers == number]
            if number < 0:
                words = (NO_SCHEMA_NUMBER, "the value is shorter than a schema id")
                look.refused |= dict.fromkeys(chosen.tolist(), words)
            elif self._is_json(number, look, chosen):
                bare.append(chosen)
        if bare:
            look.messages = _behind_number(messages, np.concatenate(bare))

    def _is_json(self, number: int, look: _Look, rows: Rows) -> bool:
        """Whether values of a schema are JSON; those of Avro schemas are read, those of others refused."""
        if self.form == "registry-json":
            return True
        try:
            if self._schemas is None:
                return self._looks_like_json(number, look, rows)
            reader = self._reader(number, self._schemas)
        except UnknownSchemaError as error:
            look.refused |= dict.fromkeys(rows.tolist(), (UNKNOWN_SCHEMA, str(error)[:200]))
            return False
        if reader is None:
            return True
        if look.plan is not None and (columns := reader.columns(look.plan)) is not None:
            rows = _at_once(look, columns, rows)
        messages, data = look.messages, look.messages.data
        bounds = zip(messages.starts[rows].tolist(), messages.ends[rows].tolist(), strict=True)
        for i, (start, end) in zip(rows.tolist(), bounds, strict=True):
            try:
                look.texts[i] = reader.text(data[start + HEAD : end])
            except MalformedAvroError as error:
                look.refused[i] = (MALFORMED_AVRO, str(error))
        return False

    def _looks_like_json(self, number: int, look: _Look, rows: Rows) -> bool:
        """Without a registry JSON can be read all the same."""
        starts, ends = look.messages.starts[rows] + HEAD, look.messages.ends[rows]
        if all(look.messages.data[s] in _OPENING for s, e in zip(starts, ends, strict=True) if s < e):
            return True
        raise UnknownSchemaError(f"schema {number}: no registry is configured")

    def _reader(self, number: int, schemas: Schemas) -> AvroReader | None:
        """The reader of an Avro schema; None for JSON."""
        if number not in self._readers:
            schema = schemas.schema(number)
            if schema.kind not in {"AVRO", "JSON"}:
                raise UnknownSchemaError(f"schema {number} is {schema.kind}, which driftd does not read")
            try:
                self._readers[number] = AvroReader(schema) if schema.kind == "AVRO" else None
            except UnknownSchemaError as error:
                raise UnknownSchemaError(f"schema {number} {error}") from None
        return self._readers[number]

    def _unwrap(self, look: _Look) -> None:
        """Deal with CloudEvents whose data is not simply part of their JSON."""
        messages = look.messages
        chosen = ~messages.nulls if self.form == "cloudevents" else wrapped(messages)
        done = look.done
        for i in np.flatnonzero(chosen).tolist():
            if i in look.texts or (done is not None and done[i]):
                continue
            value = messages.value(i) or b""
            if self.form == "cloudevents" and b'"data_base64"' not in value and value[:1] != b"[":
                continue
            try:
                look.texts[i] = unwrapped(value)
            except BadLineError as error:
                look.refused[i] = (error.reason, error.detail)


def _at_once(look: _Look, columns: AvroColumns, rows: Rows) -> Rows:
    """Make columns of Avro records; those that have to be read one by one."""
    messages = look.messages
    read, cells = columns.read(messages.data, messages.starts[rows] + HEAD, messages.ends[rows])
    if not len(read):
        return rows
    look.parts.append(Part(rows[read], cells))
    look.unknown.update(dict.fromkeys(columns.unknown, len(read)))
    return np.delete(rows, read)


def _behind_number(messages: Messages, rows: Rows) -> Messages:
    starts = messages.starts.copy()
    starts[rows] += HEAD
    return replace(messages, starts=starts)


def _rejects(messages: Messages, refused: Mapping[int, tuple[str, str]]) -> list[Reject]:
    return [
        Reject(
            *refused[i],
            messages.name,
            int(messages.offsets[i]),
            (messages.value(i) or b"")[:KEPT_BYTES],
        )
        for i in sorted(refused)
    ]
