"""A field that takes any registered component, told apart by `type`; the word alone stands for its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema


@dataclass(frozen=True)
class OneOf:
    """Annotation: the value is one of these components.

    Attributes:
        components: models by their words.
    """

    components: Mapping[str, type[BaseModel]]

    def __hash__(self) -> int:
        """By the words, which name the components."""
        return hash(tuple(self.components))

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """A union tagged by `type`, behind the shorthand."""
        tagged = core_schema.tagged_union_schema(
            {word: handler.generate_schema(model) for word, model in self.components.items()},
            discriminator="type",
        )
        return core_schema.no_info_before_validator_function(_from_word, tagged)

    def __get_pydantic_json_schema__(
        self,
        schema: core_schema.CoreSchema,
        handler: GetJsonSchemaHandler,
    ) -> JsonSchemaValue:
        """The union, or one of the words."""
        return {"anyOf": [{"type": "string", "enum": list(self.components)}, handler(schema)]}


def _from_word(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value
