"""Which value of a record is what: the options under `records`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from monitor.decode.paths import Path, PathText, PlaceText, parse_place
from monitor.settings.options import Options

_SINGLE = ("id", "timestamp", "version", "prediction", "score", "label", "latency", "status", "weight")
_TIME_WORDS = ("auto", "s", "ms", "us", "ns")


def _latency(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


def _time_format(text: str) -> str:
    if text not in _TIME_WORDS and "%" not in text:
        raise ValueError(
            f"{text!r} is none of {', '.join(_TIME_WORDS)} and no strptime format such as '%d/%m/%Y %H:%M:%S'"
        )
    return text


def _one_value(text: str) -> str:
    path = parse_place(text)
    if isinstance(path, Path) and path.all:
        raise ValueError(f"path {text!r} names several values where one is needed")
    return text


OnePath = Annotated[PlaceText, AfterValidator(_one_value)]
"""A path of one value, in the record or beside it."""

RecordPath = Annotated[PathText, AfterValidator(_one_value)]
"""A path of one value in the record."""


class Latency(Options):
    """Where the response time stands and in which unit."""

    path: OnePath
    """Path of the value."""

    unit: Literal["s", "ms", "us", "ns"] = "s"
    """Unit of the value."""


class Records(Options):
    """How records are mapped to columns.

    A path starts with `$`, the record; `.key` and `['any key']` go into objects (in tables: columns; nested ones
    joined by dots), `[0]` into arrays, `[*]` is the row's element in records that hold several rows.

    With messages (Kafka) a path may also start with `@`, what a message brings beside its record: `@key`, `@timestamp`,
    `@partition`, `@offset`, `@topic`, `@headers.name`, `@headers['a-b']`. In a join these belong to a side, as in
    `@request.timestamp` and `@response.key`, and `@join.latency` is the time between request and response.
    """

    id: OnePath | None = None
    """Identifier of a prediction; duplicates are a schema finding."""

    timestamp: OnePath | None = None
    """Event time. Without it only windows of a number of rows are possible."""

    timestamp_format: Annotated[str, AfterValidator(_time_format)] = "auto"
    """`auto`: RFC 3339 text (without a zone: UTC), or a number whose size tells seconds, milliseconds, microseconds
    or nanoseconds since 1970; `s`, `ms`, `us`, `ns`: a number of that unit; else a strptime format."""

    version: OnePath | None = None
    """Version of the model that answered; each has windows of its own."""

    features: PathText | tuple[OnePath, ...] | dict[str, OnePath] = "$.*"
    """What went into the model: the path of an object (each key a column, nested objects joined by dots) or of an
    array of numbers (columns `name-0`, `name-1`, …), a list of paths, or a mapping of column names to paths.
    `$.*`: everything that has no other role."""

    prediction: OnePath | None = None
    """What the model answered."""

    score: OnePath | None = None
    """The probability or score behind the prediction."""

    label: OnePath | None = None
    """What turned out to be true."""

    latency: Annotated[
        Latency | None, BeforeValidator(_latency, json_schema_input_type=str | Latency | None)
    ] = Field(
        default=None,
        json_schema_extra={"examples": ["$.latency_seconds", {"path": "$.latency_ms", "unit": "ms"}]},
    )
    """Response time: a path (seconds), or a path with a unit."""

    status: OnePath | None = None
    """HTTP status; words such as `ok` and `error`, booleans and gRPC codes are understood as well."""

    weight: OnePath | None = None
    """How many rows this one stands for, in logs that were sampled."""

    segments: tuple[OnePath, ...] = ()
    """Columns whose values get windows of their own."""

    expand: RecordPath | None = None
    """Path of the array in records that hold several rows: one row for each element. Paths that go through it, and
    arrays marked `[*]` (`$.predictions[*].score`), are read element by element; all others repeat."""

    ignore: tuple[str, ...] = ()
    """Names of columns to leave out."""

    @model_validator(mode="after")
    def _features_are_several(self) -> Records:
        if isinstance(self.features, tuple | dict) and not self.features:
            raise ValueError("features: name at least one, or write `$.*`")
        return self

    def paths(self) -> dict[str, str]:
        """The paths of the single roles that are set, by role."""
        found = {}
        for role in _SINGLE:
            value = getattr(self, role)
            if value is not None:
                found[role] = value.path if isinstance(value, Latency) else value
        return found
