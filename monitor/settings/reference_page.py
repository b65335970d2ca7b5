"""The reference page of the configuration, made from the models' own texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.settings.load import overridable
from monitor.settings.vocabulary import schema
from sinks.duration import format_duration

_HEAD = """# Configuration

One YAML file, checked as a whole before anything starts: every mistake is told at once as
`file:line: key.path: message (hint)`, and the exit code is 2. [driftd.yaml](driftd.yaml) has every option with its
default, [examples](examples) has small ones that run, [driftd.schema.json](driftd.schema.json) is for editors
(`# yaml-language-server: $schema=driftd.schema.json`).

This page is made from the code by `python -m monitor.settings.generate`; CI fails where it is stale.

## What a value may be

| write | is |
|---|---|
| `15s`, `1h30m`, `30d`, `500ms`, `90` | a span of time; a bare number is seconds |
| `${NAME}` | the environment variable; not set is a mistake |
| `${NAME:-default}` | the variable, or the default where it is not set or empty |
| `${file:/run/secrets/x}` | the content of the file, without the last line break |
| `$$` | a dollar sign |
| `$.outputs.score` | a path into a record |

Relative paths are relative to the folder of the configuration file. Keys that stand twice, unknown keys, and words that
YAML readers disagree about (`yes`, `on`, `010`, `1e-3`, `12:30:00`) are refused.

These environment variables replace what the file says; other variables that begin with `DRIFTD_` are warned about:
{variables}.
"""
_SPAN = "span of time"


def reference_page() -> str:
    """The page as Markdown."""
    variables = ", ".join(f"`{name}`" for name in overridable())
    sections = "\n".join(_section(section) for section in _sections())
    return _HEAD.replace("{variables}", variables) + "\n" + sections


@dataclass(frozen=True)
class _Section:
    """One model at the places where it may stand."""

    name: str
    node: Mapping[str, Any]
    places: list[str] = field(default_factory=list)


def _sections() -> list[_Section]:
    """Every model in the order in which a reader meets it."""
    root = schema()
    found: dict[str, _Section] = {"": _Section("", root, ["The file"])}
    queue = [""]
    while queue:
        section = found[queue.pop(0)]
        for key, node in section.node.get("properties", {}).items():
            for name, suffix in _references(node):
                place = f"{section.places[0]}.{key}{suffix}".removeprefix("The file.")
                if "properties" not in root["$defs"][name]:
                    continue
                if name not in found:
                    found[name] = _Section(name, root["$defs"][name])
                    queue.append(name)
                if place not in found[name].places:
                    found[name].places.append(place)
    return list(found.values())


def _references(node: Mapping[str, Any], suffix: str = "") -> Iterator[tuple[str, str]]:
    if "$ref" in node:
        yield node["$ref"].rsplit("/", 1)[1], suffix
    for choice in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from _references(choice, suffix)
    if isinstance(node.get("items"), Mapping):
        yield from _references(node["items"], f"{suffix}[]")


def _title(section: _Section) -> str:
    word = section.node.get("properties", {}).get("type", {}).get("const")
    places = " and ".join(section.places)
    return places if not section.name else f"`{places}`" + (f", type `{word}`" if word else "")


def _section(section: _Section) -> str:
    lines = [f"## {_title(section)}", ""]
    description = section.node.get("description", "")
    if description:
        lines += [_paragraphs(description), ""]
    required = set(section.node.get("required", ()))
    options = section.node.get("properties", {})
    if set(options) - {"type"}:
        lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
    for key, node in options.items():
        if key == "type" and "const" in node:
            continue
        default = "**required**" if key in required else _default(node)
        meaning = _cell(str(node.get("description", "")))
        lines.append(f"| `{key}` | {_cell(_kind(node))} | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> str:
    return re.sub(r"\n(?=\S)", "\n", text.strip())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _default(node: Mapping[str, Any]) -> str:
    value = node.get("default")
    if isinstance(value, int | float) and _SPAN in _kind(node):
        value = format_duration(value)
    if isinstance(value, list):
        value = [item.get("type", item) if isinstance(item, dict) else item for item in value]
    return "-" if value is None else _cell(f"`{json.dumps(value, ensure_ascii=False)}`")


def _kind(node: Mapping[str, Any]) -> str:
    """The type of a value in words."""
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[1]
        return _kind_of_model(schema()["$defs"][name])
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return ", ".join(f"`{word}`" for word in node["enum"])
    if "15s" in node.get("examples", ()):
        return _SPAN
    choices = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    if choices:
        return " or ".join(dict.fromkeys(kind for kind in map(_kind, choices) if kind != "null"))
    return _simple(node)


def _kind_of_model(node: Mapping[str, Any]) -> str:
    if "enum" in node:
        return ", ".join(f"`{word}`" for word in node["enum"])
    word = node.get("properties", {}).get("type", {}).get("const")
    return f"`{word}` with options" if word else "mapping, see below"


def _simple(node: Mapping[str, Any]) -> str:
    kind = node.get("type")
    if kind == "array":
        return f"list: {_kind(node['items'])}" if "items" in node else "list"
    if kind == "object":
        return "mapping"
    if kind in {"integer", "number"}:
        return {"integer": "whole number", "number": "number"}[kind] + _bounds(node)
    return {"string": "text", "boolean": "`true` or `false`", "null": "null"}.get(str(kind), "any")


def _bounds(node: Mapping[str, Any]) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    return "".join(f", {word} {node[key]:.12g}" for key, word in words.items() if key in node)
