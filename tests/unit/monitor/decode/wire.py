"""Values in the wire formats of tests, and their decoding."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro

from detectors.layout import Column, Kind
from monitor.decode.decoder import Decoder
from monitor.decode.formats import Format, ValueReader
from monitor.decode.mapping import Records
from monitor.decode.messages import partition_hash
from monitor.decode.schemas import Schema, Schemas, UnknownSchemaError
from monitor.sources.base import SourceError
from tests.unit.monitor.decode.sent import Sent, sent

FIRST = partition_hash("loans/3")
A, B = Column("a", Kind.NUMERIC), Column("b", Kind.CATEGORICAL)
LOAN = {
    "type": "record",
    "name": "Loan",
    "fields": [{"name": "a", "type": ["null", "double"]}, {"name": "b", "type": "string"}],
}
EVENTS = [("content-type", b"application/cloudevents+json; charset=UTF-8")]


class Known:
    """Schemas by number."""

    def __init__(self, **schemas: Schema) -> None:
        self._schemas = {int(name[1:]): schema for name, schema in schemas.items()}
        self.away = False

    def schema(self, number: int) -> Schema:
        """The schema."""
        if self.away:
            raise SourceError("away")
        if number not in self._schemas:
            raise UnknownSchemaError(f"schema {number}: Schema {number} not found")
        return self._schemas[number]

    def close(self) -> None:
        """Nothing to give back."""


SCHEMAS = Known(
    _1=Schema("AVRO", json.dumps(LOAN)), _2=Schema("JSON", "{}"), _3=Schema("PROTOBUF", "message A {}")
)


def avro(schema: Any, value: Any, number: int = 1) -> bytes:
    """A value in the wire format."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(schema), value)
    return b"\0" + number.to_bytes(4, "big") + stream.getvalue()


def framed(value: bytes, number: int = 2) -> bytes:
    """JSON behind a schema's number."""
    return b"\0" + number.to_bytes(4, "big") + value


def decode(
    form: Format, *messages: Sent | bytes | None, schemas: Schemas | None = SCHEMAS, **options: Any
) -> Any:
    """Decode values of a format."""
    decoder = Decoder(Records.model_validate(options), (A, B))
    return decoder.messages(sent(*messages), ValueReader(form, schemas))


def rows(found: Any) -> list[tuple[Any, Any]]:
    """Columns a and b."""
    return list(zip(found.frame["a"].to_list(), found.frame["b"].to_list(), strict=True))


def refusals(found: Any) -> list[tuple[str, int]]:
    """Reasons and offsets."""
    return [(reject.reason, reject.offset) for reject in found.rejects]
