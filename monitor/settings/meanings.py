"""What options mean: the texts below the fields of a model, read from its source when somebody asks.

pydantic reads them too (`use_attribute_docstrings`), but while the class is made: parsing the sources of all models
took a fifth of the processor time of a daemon's start, and few starts need a text.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


@cache
def meanings(model: type[BaseModel]) -> Mapping[str, str]:
    """Text by field; a description that the field itself gives comes first, and inherited ones last."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if issubclass(kind, BaseModel) and kind is not BaseModel:
            found.update(_texts(kind))
    said = {name: field.description or found.get(name) for name, field in model.model_fields.items()}
    return {name: text for name, text in said.items() if text}


class DescribedSchema(GenerateJsonSchema):
    """The JSON Schema of models with the meanings of their fields."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """The schema of one model."""
        found = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        texts = meanings(model)
        for name, field in model.model_fields.items():
            node = found.get("properties", {}).get(field.alias or name)
            if node is not None and name in texts:
                node["description"] = texts[name]
        return found


def _texts(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """The fields of a class that have a text below them; none where there is no source."""
    try:
        source = inspect.getsource(model)
    except (OSError, TypeError):
        return
    (definition,) = ast.parse(textwrap.dedent(source)).body
    for field, text in pairwise(definition.body if isinstance(definition, ast.ClassDef) else ()):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        written = text.value if isinstance(text, ast.Expr) else None
        if isinstance(written, ast.Constant) and isinstance(written.value, str):
            yield field.target.id, inspect.cleandoc(written.value)
