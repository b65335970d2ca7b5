"""Which keys the configuration knows at a place, and which of them a misspelt one may mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from monitor.settings.meanings import DescribedSchema
from monitor.settings.root import Settings

_FEW = 16


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of the whole configuration."""
    return Settings.model_json_schema(schema_generator=DescribedSchema)


def keys_at(location: tuple[str | int, ...]) -> dict[str, Mapping[str, Any]]:
    """Keys and their schemas at a place in pydantic's words; empty where none are known."""
    nodes: list[Mapping[str, Any]] = [schema()]
    for item in location:
        nodes = [child for node in nodes for child in _children(node, item)] or nodes
    found: dict[str, Mapping[str, Any]] = {}
    for node in _variants(nodes):
        found.update(node.get("properties", {}))
    return found


def _resolve(node: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref")
    return schema()["$defs"][reference.rsplit("/", 1)[1]] if reference else node


def _variants(nodes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for node in map(_resolve, nodes):
        choices = [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]
        found += [node, *_variants(choices)]
    return found


def _children(node: Mapping[str, Any], item: str | int) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for variant in _variants([node]):
        if isinstance(item, int):
            found += [variant["items"]] if "items" in variant else []
        elif item in variant.get("properties", {}):
            found.append(variant["properties"][item])
        elif item in variant.get("discriminator", {}).get("mapping", {}):
            found.append({"$ref": variant["discriminator"]["mapping"][item]})
        elif isinstance(variant.get("additionalProperties"), dict):
            found.append(variant["additionalProperties"])
    return found


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint with the closest known word, or the known words where none is close and they are few."""
    words = sorted(set(known))
    close = get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"one of {', '.join(words)}" if 0 < len(words) <= _FEW else ""
