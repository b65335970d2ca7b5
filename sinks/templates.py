"""Bodies and headers of requests: presets for known receivers, and a substitution language without any evaluation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import orjson

from sinks.base import DeliveryError

_REFERENCE = re.compile(r"\$\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}")

Template = Literal["generic", "airflow", "airflow2", "argo", "github", "custom"]

WHOLE_EVENT = {"type": "${{ type }}", "timestamp": "${{ timestamp }}", "data": "${{ data }}"}
_AIRFLOW_2 = {"dag_run_id": "driftd-${{ id }}", "conf": {"id": "${{ id }}", **WHOLE_EVENT}}

BODIES: Mapping[str, Any] = {
    "generic": WHOLE_EVENT,
    "airflow": {
        "logical_date": None,
        **_AIRFLOW_2,
        "note": "asked for by driftd, monitor ${{ data.monitor }}",
    },
    "airflow2": _AIRFLOW_2,
    "argo": {"id": "${{ id }}", **WHOLE_EVENT},
    "github": {"event_type": "${{ type }}", "client_payload": {"id": "${{ id }}", **WHOLE_EVENT}},
}
"""The body of each preset. GitHub takes at most ten keys in `client_payload`, so the evidence is nested."""

HEADERS: Mapping[str, Mapping[str, str]] = {
    "github": {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
}
"""Headers that a preset adds."""

ACCEPTED: Mapping[str, frozenset[int]] = {"airflow": frozenset({409}), "airflow2": frozenset({409})}
"""Answers outside 2xx that are a success: Airflow's 409 says that a run of this id is there already."""


class TemplateError(DeliveryError):
    """A template names something that the event does not have."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


def fill(template: Any, event: Mapping[str, Any]) -> Any:
    """The template with every `${{ path }}` replaced by what lies there in the event.

    A text that is one reference and nothing else takes the value with its type; inside a longer text a value stands
    as text, and lists and objects as JSON. What was put in is not looked at again.

    Args:
        template: JSON values; keys of objects are taken as they are.
        event: JSON values; a path goes through keys and list positions, joined by dots: `data.columns.0.column`.
            Beyond the end of a list there is null.

    Raises:
        TemplateError: nothing lies at the path.

    >>> fill({"run": "driftd-${{ id }}", "rows": "${{ data.rows }}"}, {"id": "a1", "data": {"rows": 7}})
    {'run': 'driftd-a1', 'rows': 7}
    """
    if isinstance(template, str):
        whole = _REFERENCE.fullmatch(template)
        if whole:
            return _at(event, whole[1])
        return _REFERENCE.sub(lambda match: _text(_at(event, match[1])), template)
    if isinstance(template, Mapping):
        return {key: fill(value, event) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [fill(value, event) for value in template]
    return template


def fill_headers(template: Mapping[str, str], event: Mapping[str, Any]) -> dict[str, str]:
    """Headers with their references replaced; control characters, which could begin another header, become spaces."""
    filled = {name: _text(fill(value, event)) for name, value in template.items()}
    return {name: "".join(c if c.isprintable() else " " for c in value) for name, value in filled.items()}


def _at(event: Mapping[str, Any], path: str) -> Any:
    value: Any = event
    for part in path.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal():
            if int(part) >= len(value):
                return None
            value = value[int(part)]
        else:
            raise TemplateError(f"${{{{ {path} }}}}: the event has no {part!r} there")
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
