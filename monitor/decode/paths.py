"""The path language: where in a record a value stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

_STEP = re.compile(
    r"\.(?P<name>[^.\[\]*'\"\s][^.\[\]]*)"
    r"|\[(?P<index>0|[1-9][0-9]{0,5})\]"
    r"|\['(?P<quoted>(?:[^'\\]|\\.)+)'\]"
    r"|(?P<each>\[\*\])"
    r"|(?P<all>\.\*)$",
)
_ESCAPED = re.compile(r"\\(.)")
_HINT = "write it like $.inputs.age, $.rows[0], $['a name'] or $.*"


class Absent(Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
"""Stands for a value that the record does not have; a JSON null is `None`."""


class Each(Enum):
    """The type of `EACH`."""

    EACH = "[*]"


EACH: Final = Each.EACH
"""The step `[*]`: the element that belongs to the row, in records that hold several rows."""

Step = str | int | Each


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path.

    Attributes:
        steps: keys, positions in arrays, and `EACH`.
        all: the path ends in `.*`: every value of the object.
    """

    steps: tuple[Step, ...]
    all: bool = False

    @property
    def name(self) -> str:
        """The last key: what users call the value; "" for the record itself."""
        keys = [step for step in self.steps if isinstance(step, str)]
        if not keys:
            return ""
        position = self.steps[-1]
        return f"{keys[-1]}-{position}" if isinstance(position, int) else keys[-1]

    @property
    def flat(self) -> str:
        """The keys joined by dots, positions behind a hyphen: the name of the column in a table."""
        text = ""
        for step in self.steps:
            if isinstance(step, str):
                text += f".{step}" if text else step
            elif step is not EACH:
                text += f"-{step}"
        return text

    def to_each(self) -> Path | None:
        """The path of the array that `[*]` goes through; None where there is no such step."""
        return Path(self.steps[: self.steps.index(EACH)]) if EACH in self.steps else None

    def find(self, record: Any, row: int = 0) -> Any:
        """The value in a record (JSON values), or `ABSENT`.

        Args:
            record: what the path starts from.
            row: the element that `[*]` stands for.
        """
        value = record
        for step in self.steps:
            if isinstance(step, str):
                if type(value) is not dict:
                    return ABSENT
                value = value.get(step, ABSENT)
            else:
                position = row if step is EACH else step
                if type(value) is not list or position >= len(value):
                    return ABSENT
                value = value[position]
        return value


def parse_path(text: str) -> Path:
    """Read a path.

    Raises:
        ValueError: not well-formed.

    >>> parse_path("$.outputs['a score'][0]").steps
    ('outputs', 'a score', 0)
    """
    if not text.startswith("$"):
        raise ValueError(f"path {text!r} does not start with $: {_HINT}")
    steps: list[Step] = []
    place = 1
    while place < len(text):
        match = _STEP.match(text, place)
        if match is None:
            raise ValueError(f"path {text!r} is not well-formed at {text[place:]!r}: {_HINT}")
        place = match.end()
        if match["all"]:
            return Path(tuple(steps), all=True)
        if match["index"]:
            steps.append(int(match["index"]))
        elif match["each"]:
            steps.append(EACH)
        else:
            steps.append(match["name"] or _ESCAPED.sub(r"\1", match["quoted"]))
    return Path(tuple(steps))


@dataclass(frozen=True, slots=True)
class MessagePath:
    """A value that a message brings beside its record: `@key`, `@headers.trace`, `@response.timestamp`.

    Attributes:
        field: `key`, `headers`, `timestamp`, `partition`, `offset`, `topic` or `latency`.
        header: the header's name, "" for other fields.
        side: of a join: `request`, `response`, `label`, or `join` for what only both together have; else "".
    """

    field: str
    header: str = ""
    side: str = ""

    @property
    def name(self) -> str:
        """What users call the value: the field or the header's name."""
        return self.header or self.field

    @property
    def flat(self) -> str:
        """The name with the side before it, as a column name that tells sides apart."""
        return f"{self.side}.{self.name}" if self.side else self.name


_MESSAGE = re.compile(
    r"@(?:(?P<side>request|response|label)\.)?(?:(?P<field>key|timestamp|partition|offset|topic)"
    r"|headers(?:\.(?P<name>[^.\[\]*'\"\s][^.\[\]]*)|\['(?P<quoted>(?:[^'\\]|\\.)+)'\]))"
)
_LATENCY = "@join.latency"
_MESSAGE_HINT = (
    "write it like @key, @timestamp, @partition, @offset, @topic, @headers.name or @headers['a-b'], "
    "in a join @request.timestamp, @response.key or @join.latency"
)


def parse_place(text: str) -> Path | MessagePath:
    """Read a path into the record (`$…`) or to a value beside it (`@…`).

    Raises:
        ValueError: not well-formed.

    >>> parse_place("@request.headers['a-b']")
    MessagePath(field='headers', header='a-b', side='request')
    """
    if not text.startswith("@"):
        return parse_path(text)
    if text == _LATENCY:
        return MessagePath("latency", side="join")
    match = _MESSAGE.fullmatch(text)
    if match is None:
        raise ValueError(f"path {text!r} is not well-formed: {_MESSAGE_HINT}")
    header = match["name"] or _ESCAPED.sub(r"\1", match["quoted"] or "")
    return MessagePath(match["field"] or "headers", header, match["side"] or "")


def format_path(*keys: str) -> str:
    """The path of nested keys as text.

    >>> format_path("inputs", "a name")
    "$.inputs['a name']"
    """
    parts = []
    for key in keys:
        step = _STEP.fullmatch(f".{key}")
        if step and step["name"]:
            parts.append(f".{key}")
        else:
            escaped = key.replace("\\", "\\\\").replace("'", "\\'")
            parts.append(f"['{escaped}']")
    return "$" + "".join(parts)


def _checked(text: str) -> str:
    parse_path(text)
    return text


PathText = Annotated[
    str,
    AfterValidator(_checked),
    Field(json_schema_extra={"pattern": r"^\$", "examples": ["$.inputs", "$.outputs.score"]}),
]
"""A path in an option that goes into the record."""


def _checked_place(text: str) -> str:
    parse_place(text)
    return text


PlaceText = Annotated[
    str,
    AfterValidator(_checked_place),
    Field(json_schema_extra={"pattern": r"^[$@]", "examples": ["$.id", "@key", "@headers.trace"]}),
]
"""A path in an option that goes into the record or to what the message brings beside it."""
