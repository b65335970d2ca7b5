"""What is looked for in each record: the mapping, compiled against the modelled columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from detectors.layout import Column, Kind, Role
from monitor.decode.mapping import Records
from monitor.decode.paths import EACH, MessagePath, Path, parse_path, parse_place
from monitor.records import ID, LATENCY, SEGMENT_PREFIX, STATUS, TIME, VERSION, WEIGHT

MODELLED = (Role.PREDICTION, Role.SCORE, Role.LABEL)
Place = Path | MessagePath


class Want(Enum):
    """What a value is turned into."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    TEXT = "text"
    TIME = "time"
    LATENCY = "latency"
    STATUS = "status"
    WEIGHT = "weight"
    ANY = "any"


SYSTEM = {
    "id": (ID, Want.TEXT),
    "timestamp": (TIME, Want.TIME),
    "version": (VERSION, Want.TEXT),
    "latency": (LATENCY, Want.LATENCY),
    "status": (STATUS, Want.STATUS),
    "weight": (WEIGHT, Want.WEIGHT),
}
"""Columns of driftd's own by role."""


@dataclass(frozen=True, slots=True)
class Target:
    """One column that is filled from the records.

    Attributes:
        name: its name in the frame.
        want: what its values are turned into.
        path: where its values stand; None for a member of the features' container, and beside the record.
        integer: numeric: all reference values are whole; categorical: the categories are numbers.
        beside: where its values stand beside the record.
    """

    name: str
    want: Want
    path: Path | None = None
    integer: bool = False
    beside: MessagePath | None = None

    @property
    def modelled(self) -> bool:
        """It is a column of the model, not one of driftd's own."""
        return self.want in {Want.NUMERIC, Want.CATEGORICAL, Want.ANY}


@dataclass(frozen=True)
class Plan:
    """The compiled mapping.

    Attributes:
        targets: columns with paths of their own, then the members of the container.
        container: object or array that holds the features; None where each has a path.
        members: names of the container's members that are targets, in the order of `targets`.
        taken: names in the container that are neither targets nor unknown.
        open: the features are not known yet: every member of the container is one.
        expand: array with one row for each element.
        time_format: see `Records.timestamp_format`.
        latency_unit: see `Latency.unit`.
        beside: columns that stand beside the records of messages; files have none of them.
    """

    targets: tuple[Target, ...]
    container: Path | None
    members: tuple[str, ...]
    taken: frozenset[str]
    open: bool
    expand: Path | None
    time_format: str = "auto"
    latency_unit: str = "s"
    beside: tuple[Target, ...] = ()

    @property
    def placed(self) -> tuple[Target, ...]:
        """The targets that have a path of their own."""
        return self.targets[: len(self.targets) - len(self.members)]

    def with_members(self, names: Sequence[str]) -> Plan:
        """The plan of an open container once the names of its members are known."""
        members = tuple(Target(name, Want.ANY) for name in names)
        return replace(self, targets=self.placed + members, members=tuple(names), open=False)


def compile_plan(records: Records, columns: Sequence[Column] | None) -> Plan:
    """Work out what to look for.

    Args:
        records: the mapping.
        columns: the modelled columns, or None to take everything that the container holds.
    """
    expand = parse_path(records.expand) if records.expand else None
    paths = {role: _place(text, expand) for role, text in records.paths().items()}
    container, features = _features(records, expand)
    wanted = [_at(place, *SYSTEM[role]) for role, place in paths.items() if role in SYSTEM]
    for text in records.segments:
        place = _place(text, expand)
        wanted.append(_at(place, SEGMENT_PREFIX + place.name, Want.TEXT))
    wanted += _modelled(paths, features, columns)
    members = []
    if container is not None and columns is not None:
        members = [_target(c, None) for c in columns if c.role is Role.FEATURE]
    return Plan(
        targets=(*(t for t in wanted if t.beside is None), *members),
        container=container,
        members=tuple(t.name for t in members),
        taken=frozenset(records.ignore) | _inside(container, paths.values()),
        open=container is not None and columns is None,
        expand=expand,
        time_format=records.timestamp_format,
        latency_unit=records.latency.unit if records.latency else "s",
        beside=tuple(t for t in wanted if t.beside is not None),
    )


def role_names(records: Records, features: Sequence[str] = ()) -> dict[Role, str]:
    """User-facing names of prediction, score and label: the last key of the path, on a clash the role's name.

    >>> role_names(Records(prediction="$.out.y", label="$.y"))
    {<Role.PREDICTION: 'prediction'>: 'y', <Role.LABEL: 'label'>: 'label'}
    """
    used, found = set(features), {}
    paths = records.paths()
    for role in MODELLED:
        if role.value in paths:
            name = parse_place(paths[role.value]).name or role.value
            options = (name, role.value, *(f"{role.value}_{n}" for n in range(2, len(used) + 3)))
            found[role] = next(option for option in options if option not in used)
            used.add(found[role])
    return found


def _features(records: Records, expand: Path | None) -> tuple[Path | None, dict[str, Place]]:
    """The container of the features, or the features by name."""
    if isinstance(records.features, str):
        return _through(parse_path(records.features), expand), {}
    if isinstance(records.features, Mapping):
        return None, {name: _place(text, expand) for name, text in records.features.items()}
    places = [_place(text, expand) for text in records.features]
    last = [place.name for place in places]
    return None, {p.name if last.count(p.name) == 1 else p.flat: p for p in places}


def _modelled(
    places: Mapping[str, Place], features: Mapping[str, Place], columns: Sequence[Column] | None
) -> list[Target]:
    """Targets of features with paths, and of prediction, score and label."""
    if columns is None:
        found = [_at(place, name, Want.ANY) for name, place in features.items()]
        roles = [role.value for role in MODELLED if role.value in places]
        return found + [_at(places[role], f"@{role}", Want.ANY) for role in roles]
    names = {column.name: column for column in columns}
    found = [_target(names[name], place) for name, place in features.items() if name in names]
    return found + [
        _target(c, places[c.role.value]) for c in columns if c.role in MODELLED and c.role.value in places
    ]


def _target(column: Column, place: Place | None) -> Target:
    want = Want.NUMERIC if column.kind is Kind.NUMERIC else Want.CATEGORICAL
    return _at(place, column.name, want, integer=column.integer)


def _at(place: Place | None, name: str, want: Want, *, integer: bool = False) -> Target:
    if isinstance(place, MessagePath):
        return Target(name, want, integer=integer, beside=place)
    return Target(name, want, place, integer)


def _place(text: str, expand: Path | None) -> Place:
    place = parse_place(text)
    return place if isinstance(place, MessagePath) else _through(place, expand)


def _through(path: Path, expand: Path | None) -> Path:
    """The path with `[*]` put in where it goes through the expanded array."""
    if expand is None or path.steps[: len(expand.steps)] != expand.steps:
        return path
    rest = path.steps[len(expand.steps) :]
    if rest[:1] == (EACH,):
        return path
    return Path((*expand.steps, EACH, *rest), path.all)


def _inside(container: Path | None, places: Iterable[Place]) -> frozenset[str]:
    """Names that the single roles' values have among the members of the container."""
    if container is None:
        return frozenset()
    depth = len(container.steps)
    inside = [p for p in places if isinstance(p, Path) and p.steps[:depth] == container.steps]
    return frozenset(Path(path.steps[depth:]).flat for path in inside)
