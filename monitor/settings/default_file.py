"""`config/driftd.yaml`: every option with its text and its default, made from the models."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from monitor.settings.meanings import meanings
from monitor.settings.registered import OneOf
from monitor.settings.root import Settings

_WIDTH = 110
_HEAD = """\
# yaml-language-server: $schema=driftd.schema.json
#
# Every option of driftd with its default. Options that begin with # may be left out; the others have to be said,
# or are shown as an example. README.md beside this file is the reference page.
#
#   driftd check --config driftd.yaml     what would be monitored, and every mistake at once
#
# Made by `python -m monitor.settings.generate`.
"""

EXAMPLE: Mapping[str, Any] = {
    "monitors": [
        {
            "name": "car-loan",
            "source": {"type": "files", "path": "logs/*.ndjson"},
            "records": {
                "id": "$.id",
                "timestamp": "$.timestamp",
                "version": "$.model_version",
                "features": "$.inputs",
                "prediction": "$.outputs.y_pred",
                "score": "$.outputs.y_pred_proba",
                "label": "$.label",
                "latency": {"path": "$.latency_ms", "unit": "ms"},
                "status": "$.status",
            },
            "reference": {"type": "file", "path": "reference.driftref"},
            "windows": [{"length": "1h", "slide": "15m"}],
        },
    ],
}
"""What the default file says where there is no default."""


SUGGESTION: Mapping[str, Any] = {
    "retraining": {
        "webhook": {"url": "https://pipelines.example/retrain", "secret": "${DRIFTD_RETRAIN_SECRET}"},
    },
}
"""What the default file shows, as a comment, for options that are off."""


def default_file() -> str:
    """The file's text."""
    return _HEAD + "\n".join(_model(Settings, EXAMPLE, "")) + "\n"


def _model(model: type[BaseModel], given: Mapping[str, Any], indent: str) -> Iterator[str]:
    """The lines of a mapping; those of options that are not given are comments."""
    defaults = _defaults(model)
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        if not indent:
            yield ""
        for line in textwrap.wrap(" ".join(meanings(model).get(attribute, "").split()), _WIDTH - len(indent)):
            yield f"{indent}# {line}"
        if name in given:
            yield from _option(name, field, given[name], indent)
        else:
            value = SUGGESTION.get(name, defaults.get(name))
            yield from (f"{indent}# {line}" for line in _option(name, field, value, ""))


def _option(name: str, field: FieldInfo, value: Any, indent: str) -> Iterator[str]:
    items = value if isinstance(value, list) else [value]
    models = [_inner_model(field, item) if isinstance(item, Mapping) else None for item in items]
    if not items or None in models:
        words = [item["type"] if isinstance(item, Mapping) and "type" in item else item for item in items]
        yield f"{indent}{name}: {flow(words if isinstance(value, list) else value)}"
        return
    yield f"{indent}{name}:"
    for item, model in zip(items, models, strict=True):
        deeper = indent + "  "
        if isinstance(value, list):
            yield f"{deeper}-"
            deeper += "  "
        yield from _model(model, item, deeper) if model else ()


def _inner_model(field: FieldInfo, value: Any) -> type[BaseModel] | None:
    """The model that a value of a field is of; None for plain values."""
    models = list(_models(field.annotation))
    for extra in field.metadata:
        models += extra.components.values() if isinstance(extra, OneOf) else []
    if isinstance(value, Mapping) and "type" in value:
        return next((model for model in models if _word(model) == value["type"]), None)
    return models[0] if len(models) == 1 and models[0].model_fields else None


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    """The models inside an annotation."""
    for inner in get_args(kind) or (kind,):
        if inner is not kind:
            yield from _models(inner)
        elif isinstance(inner, type) and issubclass(inner, BaseModel):
            yield inner


def _word(model: type[BaseModel]) -> object:
    field = model.model_fields.get("type")
    return field.default if field else None


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    """Defaults as the configuration writes them."""
    found = {
        name: field.get_default(call_default_factory=True, validated_data={})
        for name, field in model.model_fields.items()
        if not field.is_required()
    }
    made = model.model_construct(**found)
    dumped: dict[str, Any] = made.model_dump(mode="json", by_alias=True, include=set(found), warnings=False)
    return dumped


def flow(value: Any) -> str:
    """A value on one line of YAML."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, width=10_000, allow_unicode=True, sort_keys=False
    )
    return text.removesuffix("...\n").strip()
