"""What a model's data looked like when it was well: the yardstick of every window."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.archive import ArchiveError, pack, unpack
from detectors.association import ScoreTable
from detectors.base import Window
from detectors.comparison import JUDGED, Comparison
from detectors.correlation_pairs import Pairs
from detectors.error_baseline import ErrorBaseline
from detectors.grouped_shares import Shares
from detectors.layout import Column, Layout
from detectors.layout_fit import fit_layout
from detectors.outcomes import error_signal, learn_errors
from detectors.profile import Profile, profile_rows
from detectors.reference_order import RowOrder
from detectors.schema_counts import SchemaCounts

FORMAT = 1
SEGMENT_PREFIX = "@segment."
MAX_SEGMENTS = 100
"""Values of a segment column that get a profile of their own, most frequent first."""


@dataclass(frozen=True)
class Reference:
    """A frozen binning and the profile of the data that it was fitted on.

    Attributes:
        layout: columns and their bins.
        profile: the reference rows under them.
        rate_per_second: requests per second of the reference, from its event times; None where unknown.
        provenance: where it comes from, in words for people.
        error: share of wrong predictions and their dependence; None without enough labelled predictions.
        order: what was measured on the rows in their own order: dependence and correlation; None where they were not.
        segments: profiles of the reference rows of each segment (`region=eu`).
    """

    layout: Layout
    profile: Profile
    rate_per_second: float | None = None
    provenance: str = ""
    error: ErrorBaseline | None = None
    segments: Mapping[str, Profile] = field(default_factory=dict)
    order: RowOrder | None = None

    @property
    def rows(self) -> int:
        """Rows that the reference was made from."""
        return self.profile.rows

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that differ when anything that matters to a comparison differs."""
        return hashlib.sha256(self.to_bytes()).hexdigest()[:16]

    @cached_property
    def comparison(self) -> Comparison:
        """The reference's side of the verdict rule, laid out once."""
        order = self.order or RowOrder.unknown(len(self.layout.columns))
        return Comparison(self.layout, self.profile, order.dependence)

    @cached_property
    def shares(self) -> Shares:
        """The reference's side of the named statistics, laid out once."""
        return Shares(self.comparison)

    @cached_property
    def schema(self) -> SchemaCounts:
        """The reference's side of the schema test, laid out once."""
        return SchemaCounts(self.layout, self.profile, self.layout.with_role(*JUDGED))

    @cached_property
    def pairs(self) -> Pairs | None:
        """The reference's side of the correlation test, laid out once; None where rows were not measured in order."""
        roles = [self.layout.columns[i].role for i in self.comparison.judged]
        return Pairs(self.order.association, roles) if self.order else None

    @cached_property
    def score_table(self) -> ScoreTable:
        """Scores of the judged columns' bins, for correlations."""
        return ScoreTable.of(self.layout, self.profile.counts, self.layout.with_role(*JUDGED))

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame,
        columns: Sequence[Column],
        *,
        bins: int = 256,
        seed: int = 0,
        service: bool = True,
        provenance: str = "",
    ) -> Reference:
        """Fit bins and profile.

        Args:
            frame: rows in canonical columns, in their own order.
            columns: the modelled columns; kinds and roles as given.
            bins: quantile bins of a numeric column, 2 to 4096.
            seed: of the sample.
            service: add latency and status columns where the frame has `@latency` and `@status`.
            provenance: where the data comes from.

        Raises:
            ValueError: no rows, no columns, a column twice or not in the frame, bins out of range.
        """
        layout = fit_layout(frame, columns, bins=bins, seed=seed, service=service)
        profile = profile_rows(layout, frame)
        errors, order = learn_errors(layout, frame), RowOrder.measure(layout, profile, frame)
        return cls(layout, profile, _rate(frame), provenance, errors, _segments(layout, frame), order)

    def with_profile(self, profile: Profile) -> Reference:
        """The same bins with other rows as the yardstick: the previous window, a week ago, a segment.

        Dependence stays as it was measured; correlations are those of the profile's sample, and unknown without one.
        """
        other = replace(self, profile=profile)
        if self.order is None:
            return other
        columns = list(self.layout.with_role(*JUDGED))
        scores = other.score_table.scores(profile.sample.codes[:, columns])
        return replace(other, order=self.order.with_scores(scores))

    def error_signal(self, frame: pl.DataFrame) -> npt.NDArray[np.float64] | None:
        """What change detectors watch; see `detectors.outcomes.error_signal`."""
        return error_signal(self.layout, frame, self.error.threshold if self.error else None)

    def as_window(self, min_rows: int = 1) -> Window:
        """The reference's own rows as a window."""
        return Window(self.profile, min_rows=min_rows)

    def to_bytes(self) -> bytes:
        """Compressed; the same bytes for the same reference."""
        profile = self.profile.to_bytes()
        segments = {name: part.to_bytes() for name, part in self.segments.items()}
        meta = {
            "format": FORMAT,
            "layout": self.layout.to_json(),
            "rate": self.rate_per_second,
            "provenance": self.provenance,
            "error": self.error.to_json() if self.error else None,
            "profile": len(profile),
            "segments": {name: len(part) for name, part in segments.items()},
        }
        header = pack(json.loads(json.dumps(meta)), self.order.to_arrays() if self.order else {})
        return b"".join([len(header).to_bytes(8, "little"), header, profile, *segments.values()])

    @classmethod
    def from_bytes(cls, data: bytes) -> Reference:
        """What `to_bytes` wrote.

        Raises:
            ArchiveError: not a reference, damaged, or written by a newer driftd.
        """
        end = 8 + int.from_bytes(data[:8], "little")
        meta, arrays = unpack(data[8:end])
        if meta.get("format") != FORMAT:
            raise ArchiveError(f"reference of format {meta.get('format')!r}; this driftd reads {FORMAT}")
        sizes = [meta["profile"], *meta["segments"].values()]
        if len(data) != end + sum(sizes):
            raise ArchiveError("the reference is cut short")
        layout = Layout.from_json(meta["layout"])
        ends = [end + size for size in accumulate(sizes)]
        profile, *parts = (
            Profile.from_bytes(layout, data[stop - size : stop])
            for size, stop in zip(sizes, ends, strict=True)
        )
        segments = dict(zip(meta["segments"], parts, strict=True))
        error = ErrorBaseline.from_json(meta["error"]) if meta.get("error") else None
        order = RowOrder.from_arrays(arrays) if arrays else None
        return cls(layout, profile, meta["rate"], meta["provenance"], error, segments, order)


def _segments(layout: Layout, frame: pl.DataFrame) -> dict[str, Profile]:
    """A profile for each of the most frequent values of the segment columns."""
    found = {}
    for column in frame.columns:
        if column.startswith(SEGMENT_PREFIX):
            frequent = frame[column].drop_nulls().value_counts(sort=True).head(MAX_SEGMENTS)[column].to_list()
            for value in frequent:
                rows = frame.filter(pl.col(column) == value)
                found[f"{column.removeprefix(SEGMENT_PREFIX)}={value}"] = profile_rows(layout, rows)
    return found


def _rate(frame: pl.DataFrame) -> float | None:
    """Rows per second between the first and the last event time."""
    if "@time" not in frame.columns:
        return None
    times = frame["@time"].drop_nulls()
    first, last = times.min(), times.max()
    if not isinstance(first, int) or not isinstance(last, int) or last <= first:
        return None
    return (times.len() - 1) / ((last - first) / 1e6)
