"""Whether paths to what messages bring beside their records fit the source."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic_core import InitErrorDetails, PydanticCustomError

from monitor.decode.mapping import Latency, Records
from monitor.decode.paths import MessagePath, parse_place

MISTAKE = "path_beside"
Keys = tuple[str | int, ...]
_HINTS = {
    "files": "write a path into the record, such as $.id",
    "join": "say which one: @request.{0} or @response.{0}",
    "single": "leave the side out: @{0}",
    "side": "give the join a topic for it, or take it from request or response",
}


def mistakes_beside(records: Records, sides: frozenset[str]) -> list[InitErrorDetails]:
    """What is wrong with paths that begin with `@`, with the keys below the monitor.

    Args:
        records: the mapping.
        sides: of which messages the source knows values: "" for those of a topic, names of sides in a join; none for
            files.
    """
    found = []
    for keys, text in _paths(records):
        place = parse_place(text)
        if isinstance(place, MessagePath) and place.side not in sides:
            words, hint = _why(place, text, sides)
            kind = PydanticCustomError(MISTAKE, "{words}", {"words": words, "hint": hint})
            found.append(InitErrorDetails(type=kind, loc=("records", *keys), input=text))
    return found


def _why(place: MessagePath, text: str, sides: frozenset[str]) -> tuple[str, str]:
    field = text.rpartition(f"@{place.side}.")[2] if place.side else text.removeprefix("@")
    if not sides:
        return f"{text} is a value of messages, and the records of this source come without any", _HINTS[
            "files"
        ]
    if not place.side:
        return f"{text} leaves open which message of the join is meant", _HINTS["join"].format(field)
    if sides == {""}:
        hint = _HINTS["single"].format(field) if place.side != "join" else "leave it out"
        return f"{text} is a value of a join, and this source joins nothing", hint
    return f"{text}: this join has no {place.side}", _HINTS["side"]


def _paths(records: Records) -> Iterator[tuple[Keys, str]]:
    """The paths of one value, with their keys."""
    for role, text in records.paths().items():
        yield ((role, "path") if isinstance(getattr(records, role), Latency) else (role,)), text
    if isinstance(records.features, dict):
        yield from ((("features", name), text) for name, text in records.features.items())
    elif not isinstance(records.features, str):
        yield from ((("features", i), text) for i, text in enumerate(records.features))
    yield from ((("segments", i), text) for i, text in enumerate(records.segments))
