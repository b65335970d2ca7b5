"""Avro records as JSON text, one schema at a time; needs the optional package fastavro."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

from monitor.decode.avro_columns import AvroColumns, columns_of
from monitor.decode.avro_leaves import leaves_of
from monitor.decode.plan import Plan
from monitor.decode.schemas import Schema, UnknownSchemaError
from monitor.decode.texts import json_text

HINT = "install it with: pip install 'driftd[avro]'"
_BROKEN = (EOFError, LookupError, ValueError, ArithmeticError, TypeError, RecursionError, MemoryError)
"""What fastavro raises on bytes that are no record of the schema."""


class MalformedAvroError(Exception):
    """The bytes are no record of their schema."""


class AvroReader:
    """Reads records of one schema, as their writer wrote them.

    Unions give the value of their branch, enums their symbol, `timestamp-*`, `date` and `time-*` text as RFC 3339 has
    it, `decimal` a number, `uuid` its text, `bytes` and `fixed` text (base64 where they are no UTF-8).
    """

    def __init__(self, schema: Schema) -> None:
        """Read the schema.

        Raises:
            UnknownSchemaError: it is no Avro schema.
            SourceError: fastavro is missing.
        """
        fastavro = _fastavro()
        names: dict[str, Any] = {}
        try:
            for text in schema.references:
                fastavro.parse_schema(json.loads(text), named_schemas=names)
            self._schema = fastavro.parse_schema(json.loads(schema.text), named_schemas=names)
        except (ValueError, LookupError, TypeError, AttributeError, fastavro.schema.UnknownType) as error:
            raise UnknownSchemaError(f"is no Avro schema that can be used: {error!r:.100}") from None
        except fastavro.schema.SchemaParseException as error:
            raise UnknownSchemaError(f"is no Avro schema that can be used: {error!s:.100}") from None
        self._leaves = leaves_of(self._schema, names)
        self._columns: tuple[Plan, AvroColumns | None] | None = None
        self._read: Callable[[BytesIO, Any, Any], Any] = fastavro.schemaless_reader

    def columns(self, plan: Plan) -> AvroColumns | None:
        """The way from many records straight to the columns of a plan; None where each is read by itself."""
        if self._leaves is None:
            return None
        if self._columns is None or self._columns[0] is not plan:
            self._columns = plan, columns_of(plan, self._leaves)
        return self._columns[1]

    def text(self, data: bytes) -> bytes:
        """A record as JSON.

        Raises:
            MalformedAvroError: the bytes are none, or more than one.
        """
        stream = BytesIO(data)
        try:
            text = json_text(self._read(stream, self._schema, None))
        except _BROKEN as error:
            if isinstance(error, EOFError):
                raise MalformedAvroError("the record is longer than the value") from None
            raise MalformedAvroError(f"{type(error).__name__}: {error}"[:200]) from None
        left = len(data) - stream.tell()
        if left:
            raise MalformedAvroError(f"{left} bytes are left over after the record")
        return text


def _fastavro() -> Any:
    try:
        import fastavro
        import fastavro.schema
    except ImportError:
        from monitor.sources.base import SourceError

        raise SourceError("Avro records need the package fastavro", HINT) from None
    return fastavro
