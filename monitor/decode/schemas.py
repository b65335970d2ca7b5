"""Schemas by their numbers, wherever they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class UnknownSchemaError(Exception):
    """There is no schema of this number, or one that cannot be used: the record is to blame."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema as a registry has it.

    Attributes:
        kind: `AVRO`, `JSON` or `PROTOBUF`.
        text: the schema.
        references: texts of the schemas that this one refers to, those that others need first.
    """

    kind: str
    text: str
    references: tuple[str, ...] = ()


class Schemas(Protocol):
    """Knows schemas."""

    def schema(self, number: int) -> Schema:
        """The schema of a number.

        Raises:
            UnknownSchemaError: there is none.
            SourceError: it cannot be found out now.
        """
        ...

    def close(self) -> None:
        """Give back connections."""
        ...
