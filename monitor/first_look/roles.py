"""Which column is what: by its name, then by what it holds. Every guess says why and can be overridden."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import polars as pl

from monitor.first_look import words
from monitor.first_look.agreement import agreeing
from monitor.first_look.content import Content, content, time_unit
from monitor.first_look.ignorable import reason_to_ignore

SINGLE = ("timestamp", "id", "version", "status", "latency", "prediction", "score", "label")
LISTS = ("segment", "ignore")
_NEARLY_ALL = 0.9
_MAX_VERSIONS = 100
_MAX_CLASSES = 20
_HTTP = (100, 599)
_GIVEN = "given on the command line"


class UnknownColumnError(ValueError):
    """A role was given to a column that the data does not have."""


@dataclass
class Roles:
    """What each column is.

    Attributes:
        columns: facts about every column, in the order of the data.
        of: column by role, for the roles of `SINGLE`.
        segments: columns whose values get windows of their own.
        ignored: columns that are left out.
        why: for each column with a role, or left out, the reason in a few words.
    """

    columns: dict[str, Content]
    of: dict[str, str] = field(default_factory=dict)
    segments: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)

    @property
    def features(self) -> list[str]:
        """Columns without another role, and the segments, which are features too."""
        taken = {*self.of.values(), *self.ignored}
        return [name for name in self.columns if name not in taken]

    def take(self, role: str, name: str, why: str) -> None:
        """Give a role to a column."""
        self.of[role] = name
        self.why[name] = why


def guess_roles(
    frame: pl.DataFrame,
    given: Mapping[str, Sequence[str]] | None = None,
    last_word: Callable[[str], str] = str,
    inputs: frozenset[str] = frozenset(),
) -> Roles:
    """Guess the roles of a frame's columns.

    Args:
        frame: the data, or its first part, in its own order.
        given: columns by role, as the user says; `-` says that there is none.
        last_word: the part of a column's name that tells what it is, for names that are paths.
        inputs: columns that are certainly features.

    Raises:
        UnknownColumnError: a given column does not exist.
    """
    roles = Roles({series.name: content(series) for series in frame})
    given = {role: [n for n in names if n] for role, names in (given or {}).items() if names}
    barred = {role for role, names in given.items() if names == ["-"]}
    for role, names in given.items():
        if role not in barred:
            _obey(roles, role, [_find(name, frame.columns, last_word) for name in names])
    guesser = _Guesser(frame, roles, last_word, inputs)
    for role, guess in guesser.order():
        if role not in roles.of and role not in barred:
            guess()
    if "ignore" not in barred:
        guesser.ignore()
    return roles


def _find(name: str, columns: Sequence[str], last_word: Callable[[str], str]) -> str:
    if name in columns:
        return name
    same = [column for column in columns if last_word(column) == name]
    if len(same) == 1:
        return same[0]
    close = get_close_matches(name, [*columns, *map(last_word, columns)], n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(columns[:20])}"
    raise UnknownColumnError(f"there is no column {name!r} ({hint})")


def _obey(roles: Roles, role: str, names: list[str]) -> None:
    if role == "segment":
        roles.segments += names
    elif role == "ignore":
        roles.ignored += names
    else:
        roles.of[role] = names[0]
    roles.why.update(dict.fromkeys(names, _GIVEN))


@dataclass
class _Guesser:
    frame: pl.DataFrame
    roles: Roles
    last_word: Callable[[str], str]
    inputs: frozenset[str]

    def order(self) -> tuple[tuple[str, Callable[[], None]], ...]:
        """Roles from the surest to the least sure."""
        return (
            ("timestamp", self._timestamp),
            ("id", self._id),
            ("version", self._version),
            ("status", self._status),
            ("latency", self._latency),
            ("prediction", self._prediction),
            ("score", self._score),
            ("label", self._label),
        )

    def _free(self) -> list[Content]:
        taken = {*self.roles.of.values(), *self.roles.ignored, *self.roles.segments, *self.inputs}
        return [c for name, c in self.roles.columns.items() if name not in taken]

    def _best(self, known: tuple[str, ...], fits: Callable[[Content], bool]) -> Content | None:
        found = [(words.likeness(self.last_word(c.name), known), c) for c in self._free()]
        found = [(score, c) for score, c in found if score and fits(c)]
        return max(found, key=lambda pair: pair[0])[1] if found else None

    def _timestamp(self) -> None:
        found: list[tuple[tuple[bool, int, int], Content, str]] = []
        for c in self._free():
            liked = words.likeness(self.last_word(c.name), words.TIMESTAMP)
            unit = time_unit(self.frame[c.name])
            if unit and (unit == "native" or liked):
                found.append(((c.dtype != pl.Date, liked, c.distinct), c, unit))
        if found:
            _, c, unit = max(found, key=lambda item: item[0])
            kind = {"native": "a date and time", "iso": "a date and time as text"}
            self.roles.take("timestamp", c.name, f"holds {kind.get(unit, f'{unit} since 1970')}")

    def _id(self) -> None:
        c = self._best(words.ID, lambda c: c.rows > 1 and c.distinct >= _NEARLY_ALL * c.rows)
        if c:
            self.roles.take("id", c.name, "by its name, and nearly every row has a value of its own")

    def _version(self) -> None:
        c = self._best(words.VERSION, lambda c: 0 < c.distinct <= _MAX_VERSIONS)
        if c:
            self.roles.take("version", c.name, f"by its name; {_values(c)}")

    def _status(self) -> None:
        c = self._best(words.STATUS, _http_codes)
        if c:
            self.roles.take("status", c.name, "by its name, and it holds HTTP status codes")

    def _latency(self) -> None:
        def fits(c: Content) -> bool:
            sure = "latency" in words.words(c.name) or words.unit_of(self.last_word(c.name)) is not None
            return c.numeric and c.minimum is not None and c.minimum >= 0 and sure

        c = self._best(words.LATENCY, fits)
        if c:
            self.roles.take("latency", c.name, "by its name, and it is never negative")

    def _prediction(self) -> None:
        c = self._best(words.PREDICTION, lambda c: not (c.share and c.distinct > _MAX_CLASSES))
        if c:
            self.roles.take("prediction", c.name, f"by its name; {_values(c)}")

    def _score(self) -> None:
        c = self._best(words.SCORE, lambda c: c.numeric and c.distinct > 1)
        why = "by its name"
        if not c and "prediction" not in self.roles.of:
            c, why = (
                self._best(words.PREDICTION, lambda c: c.share),
                "its name says prediction, but it is a share",
            )
        if c:
            inside = ", and it lies between 0 and 1" if c.share else ""
            self.roles.take("score", c.name, why + inside)

    def _label(self) -> None:
        c = self._best(words.LABEL, lambda c: c.distinct > 1)
        if c:
            self.roles.take("label", c.name, f"by its name; {_values(c)}")
            return
        prediction = self.roles.of.get("prediction")
        if prediction is not None:
            name, share = agreeing(self.frame, prediction, [c.name for c in self._free()])
            if name:
                self.roles.take("label", name, f"agrees with {prediction} in {share:.0%} of the rows")
                return
        c = self._best(words.OUTCOMES, lambda c: 1 < c.distinct <= _MAX_CLASSES)
        if c:
            self.roles.take("label", c.name, f"by its name; {_values(c)}")

    def ignore(self) -> None:
        """Leave out what can only trend, and what cannot be compared."""
        for c in self._free():
            reason = reason_to_ignore(c, self.last_word(c.name))
            if reason:
                self.roles.ignored.append(c.name)
                self.roles.why[c.name] = reason


def _values(c: Content) -> str:
    return "1 value" if c.distinct == 1 else f"{c.distinct} different values"


def _http_codes(c: Content) -> bool:
    low, high = _HTTP
    inside = c.minimum is not None and c.maximum is not None and low <= c.minimum and c.maximum <= high
    return inside and c.whole
