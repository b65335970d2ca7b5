"""Every pair of a reference's columns: how they went together, and how much that may vary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from detectors.association import Association
from detectors.base import Cause
from detectors.carried import carry, lasts, regime
from detectors.layout import Role
from detectors.tails import NORMAL_DF

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NEARLY_ONE = 0.9999

CAUSES = (Cause.DATA_DRIFT, Cause.PREDICTION_DRIFT, Cause.CONCEPT_DRIFT)
"""Of a pair, the later of what its columns say."""

KEPT = 64
"""Regimes of window sizes whose design effects are kept."""


def cause_of(*roles: Role) -> Cause:
    """The alert group of a relation between columns of these roles."""
    if Role.LABEL in roles:
        return Cause.CONCEPT_DRIFT
    if Role.PREDICTION in roles or Role.SCORE in roles:
        return Cause.PREDICTION_DRIFT
    return Cause.DATA_DRIFT


@dataclass(frozen=True, eq=False)
class Pairs:
    """The pairs of some columns, each once, in the order (0, 1), (0, 2), ..., (1, 2), ...

    Attributes:
        association: what was measured on the reference; matrices over the columns.
        roles: of the columns.
    """

    association: Association
    roles: Sequence[Role]
    _kept: dict[tuple[int, int], tuple[Floats, Floats]] = field(default_factory=dict)

    @cached_property
    def sides(self) -> tuple[Ints, Ints]:
        """First and second column of each pair, int64, shape (pairs,) each."""
        first, second = np.triu_indices(len(self.roles), 1)
        return first, second

    @cached_property
    def places(self) -> Ints:
        """Where each pair stands in a flattened matrix over the columns."""
        return np.ravel_multi_index(self.sides, (len(self.roles), len(self.roles)))

    def of(self, matrix: npt.NDArray[np.floating]) -> Floats:
        """One value a pair from a symmetric matrix, float64, shape (pairs,)."""
        return matrix.reshape(-1).take(self.places).astype(float)

    def has(self, column: int) -> Flags:
        """The pairs that a column is in, bool, shape (pairs,)."""
        first, second = self.sides
        return np.asarray((first == column) | (second == column))

    @cached_property
    def before(self) -> Floats:
        """The reference's correlations."""
        return self.of(self.association.correlation)

    @cached_property
    def old(self) -> tuple[Floats, Floats, Floats]:
        """The same within (-1, 1); their Fisher's z; and what turns a small change of z into one of correlation."""
        old = np.clip(self.before, -NEARLY_ONE, NEARLY_ONE)
        return old, np.arctanh(old), 1 - old**2

    @cached_property
    def variance(self) -> Floats:
        """See `Association.variance`."""
        return self.of(self.association.variance)

    @cached_property
    def heavy(self) -> Floats:
        """See `Association.heavy`."""
        return self.of(self.association.heavy)

    @cached_property
    def causes(self) -> list[tuple[Cause, Ints]]:
        """The causes that pairs have, each with its pairs."""
        pairs = zip(*(side.tolist() for side in self.sides), strict=True)
        found = np.array([CAUSES.index(cause_of(self.roles[a], self.roles[b])) for a, b in pairs])
        by_cause = ((cause, np.flatnonzero(found == k)) for k, cause in enumerate(CAUSES))
        return [(cause, places) for cause, places in by_cause if len(places)]

    def varying(self, diagonal: npt.NDArray[np.floating]) -> Flags:
        """Pairs of two columns that vary, in the reference and by this diagonal of correlations; bool, shape (k,)."""
        varies = (np.diagonal(self.association.correlation) > 0) & (diagonal > 0)
        first, second = self.sides
        return np.asarray(varies[first] & varies[second])

    @cached_property
    def _designs(self) -> Floats:
        design = self.association.design
        return design.reshape(-1, design.shape[-1]).take(self.places, axis=0).astype(float)

    @cached_property
    def _lasts(self) -> bool:
        return bool(lasts(self._designs).any())

    def at(self, rows: int) -> tuple[Floats, Floats]:
        """Design effect and degrees of freedom of each pair for windows of `rows` rows; the newest few are kept."""
        sizes, total = self.association.sizes, self.association.rows
        if not len(sizes):
            return np.ones_like(self.before), np.full_like(self.before, NORMAL_DF)
        key = regime(sizes, rows, lasting=self._lasts)
        if key not in self._kept:
            while len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = carry(self._designs, sizes, total, rows)[:2]
        return self._kept[key]
