"""How the columns of one reference lie in one vector of counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Any

import numpy as np

from detectors.binning import Binning, binning_from_json


class Kind(StrEnum):
    """How a column's values are compared."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class Role(StrEnum):
    """What a column is to the model."""

    FEATURE = "feature"
    PREDICTION = "prediction"
    SCORE = "score"
    LABEL = "label"
    LATENCY = "latency"
    STATUS = "status"
    ERROR = "error"


class Odd(IntEnum):
    """Why a value of a record is not what its column holds; the codes of `@odd.<column>`.

    Up to MISSING the value itself is null and the row is counted in the slot of the oddity instead; the later
    ones are remarks on a value that is counted in its bin as well.
    """

    NONE = 0
    NUMBER_AS_STRING = 1
    WRONG_TYPE = 2
    MISSING = 3
    FRACTIONAL = 4
    BAD_ENCODING = 5
    TRUNCATED = 6


SPECIALS = (
    "null",
    "nan",
    "positive_infinity",
    "negative_infinity",
    "number_as_string",
    "wrong_type",
    "missing",
)
"""Slots after a column's value bins, in this order; together with the value bins they add up to the rows."""

REMARKS = ("fractional", "bad_encoding", "truncated")
"""Slots after the specials: counts of remarks, not part of the distribution."""


TEXT_LIMIT = 1000
"""Text of more bytes than this is counted as truncated."""

SERVICE_SOURCES = {Role.LATENCY: "@latency", Role.STATUS: "@status"}
"""Frame columns behind the service columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """A modelled column.

    Attributes:
        name: user-facing name.
        kind: numeric or categorical.
        role: what it is to the model.
        integer: all reference values are whole numbers.
    """

    name: str
    kind: Kind
    role: Role = Role.FEATURE
    integer: bool = False

    @property
    def source(self) -> str:
        """The column of the frame that holds the values."""
        return SERVICE_SOURCES.get(self.role, self.name)


@dataclass(frozen=True)
class Layout:
    """Columns, their frozen binnings, and where each column's slots lie in the vector of counts.

    A column's slots: its value bins (numeric: below, the bins, above; categorical: the values, other, unseen), then
    `SPECIALS`, then `REMARKS`.

    Attributes:
        joints: pairs of column positions that have a joint table over their value bins.
        sample_rows: size of the sample of rows.
        id_rows: how many distinct ids are kept to measure duplicates.
        unseen_values: how many distinct unseen values of a categorical column are kept.
        seed: of the hashes that choose sample rows.
    """

    columns: tuple[Column, ...]
    binnings: tuple[Binning, ...]
    joints: tuple[tuple[int, int], ...] = ()
    sample_rows: int = 2000
    id_rows: int = 256
    unseen_values: int = 64
    seed: int = 0

    @cached_property
    def offsets(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """First slot of each column and, last, the number of slots; int64, shape (columns + 1,)."""
        sizes = [b.size + len(SPECIALS) + len(REMARKS) for b in self.binnings]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    @property
    def slots(self) -> int:
        """Length of the vector of counts."""
        return int(self.offsets[-1])

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each column by name."""
        return {column.name: i for i, column in enumerate(self.columns)}

    def values(self, i: int) -> slice:
        """Slots of the value bins of column i."""
        start = int(self.offsets[i])
        return slice(start, start + self.binnings[i].size)

    def special(self, i: int, name: str) -> int:
        """Slot of one of `SPECIALS` or `REMARKS` of column i."""
        return int(self.offsets[i]) + self.binnings[i].size + (*SPECIALS, *REMARKS).index(name)

    def with_role(self, *roles: Role) -> tuple[int, ...]:
        """Positions of the columns that have one of the roles."""
        return tuple(i for i, column in enumerate(self.columns) if column.role in roles)

    @cached_property
    def joint_offsets(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """First cell of each joint table and, last, the number of cells; int64, shape (joints + 1,)."""
        sizes = [self.binnings[a].size * self.binnings[b].size for a, b in self.joints]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    @property
    def cells(self) -> int:
        """Length of the counts with the joint tables after them."""
        return self.slots + int(self.joint_offsets[-1])

    @cached_property
    def numeric(self) -> tuple[int, ...]:
        """Positions of the numeric columns."""
        return tuple(i for i, column in enumerate(self.columns) if column.kind is Kind.NUMERIC)

    @cached_property
    def categorical(self) -> tuple[int, ...]:
        """Positions of the categorical columns."""
        return tuple(i for i, column in enumerate(self.columns) if column.kind is Kind.CATEGORICAL)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "columns": [[c.name, str(c.kind), str(c.role), c.integer] for c in self.columns],
            "binnings": [binning.to_json() for binning in self.binnings],
            "joints": [list(pair) for pair in self.joints],
            "sizes": [self.sample_rows, self.id_rows, self.unseen_values, self.seed],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Layout:
        """What `to_json` described."""
        columns = (Column(name, Kind(kind), Role(role), whole) for name, kind, role, whole in data["columns"])
        binnings = (binning_from_json(binning) for binning in data["binnings"])
        joints = tuple((int(a), int(b)) for a, b in data["joints"])
        return cls(tuple(columns), tuple(binnings), joints, *(int(size) for size in data["sizes"]))
