"""The JSON Schema of the configuration, for editors that complete and check while people write."""

from __future__ import annotations

from typing import Any

from monitor.settings.vocabulary import schema

_REFERENCE = r"^\$\{.+\}$"
_SCALARS = frozenset({"integer", "number", "boolean"})


def json_schema() -> dict[str, Any]:
    """The schema; where a number or a boolean is asked for, a reference such as `${PORT}` is allowed too."""
    found: dict[str, Any] = _with_references(schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "driftd configuration",
        **{key: value for key, value in found.items() if key != "title"},
    }


def _with_references(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_references(item) for item in node]
    if not isinstance(node, dict):
        return node
    changed = {key: _with_references(value) for key, value in node.items()}
    kind = node.get("type")
    if isinstance(kind, str) and kind in _SCALARS and "const" not in node:
        changed |= {"type": [kind, "string"], "pattern": _REFERENCE}
    return changed
