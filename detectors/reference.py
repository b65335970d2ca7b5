"""What a model's data looked like when it was well: the yardstick of every window."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.archive import ArchiveError, pack, unpack
from detectors.base import Window
from detectors.error_baseline import ErrorBaseline
from detectors.layout import Column, Layout
from detectors.layout_fit import fit_layout
from detectors.outcomes import error_signal, learn_errors
from detectors.profile import Profile, profile_rows

FORMAT = 1


@dataclass(frozen=True)
class Reference:
    """A frozen binning and the profile of the data that it was fitted on.

    Attributes:
        layout: columns and their bins.
        profile: the reference rows under them.
        rate_per_second: requests per second of the reference, from its event times; None where unknown.
        provenance: where it comes from, in words for people.
        error: share of wrong predictions and their dependence; None without enough labelled predictions.
        extra: values of further baselines, JSON only, by name.
    """

    layout: Layout
    profile: Profile
    rate_per_second: float | None = None
    provenance: str = ""
    error: ErrorBaseline | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows that the reference was made from."""
        return self.profile.rows

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that differ when anything that matters to a comparison differs."""
        return hashlib.sha256(self.to_bytes()).hexdigest()[:16]

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
        return cls(
            layout, profile_rows(layout, frame), _rate(frame), provenance, error=learn_errors(layout, frame)
        )

    def with_profile(self, profile: Profile) -> Reference:
        """The same bins with another span of time as the yardstick (previous window, a week ago)."""
        return replace(self, profile=profile)

    def error_signal(self, frame: pl.DataFrame) -> npt.NDArray[np.float64] | None:
        """What change detectors watch; see `detectors.outcomes.error_signal`."""
        return error_signal(self.layout, frame, self.error.threshold if self.error else None)

    def as_window(self, min_rows: int = 1) -> Window:
        """The reference's own rows as a window."""
        return Window(self.profile, min_rows=min_rows)

    def to_bytes(self) -> bytes:
        """Compressed; the same bytes for the same reference."""
        profile = self.profile.to_bytes()
        meta = {
            "format": FORMAT,
            "layout": self.layout.to_json(),
            "rate": self.rate_per_second,
            "provenance": self.provenance,
            "error": self.error.to_json() if self.error else None,
            "extra": self.extra,
            "profile": len(profile),
        }
        header = pack(json.loads(json.dumps(meta)), {})
        return len(header).to_bytes(8, "little") + header + profile

    @classmethod
    def from_bytes(cls, data: bytes) -> Reference:
        """What `to_bytes` wrote.

        Raises:
            ArchiveError: not a reference, damaged, or written by a newer driftd.
        """
        end = 8 + int.from_bytes(data[:8], "little")
        meta, _ = unpack(data[8:end])
        if meta.get("format") != FORMAT:
            raise ArchiveError(f"reference of format {meta.get('format')!r}; this driftd reads {FORMAT}")
        if len(data) != end + meta["profile"]:
            raise ArchiveError("the reference is cut short")
        layout = Layout.from_json(meta["layout"])
        profile = Profile.from_bytes(layout, data[end:])
        error = ErrorBaseline.from_json(meta["error"]) if meta.get("error") else None
        return cls(layout, profile, meta["rate"], meta["provenance"], error, meta["extra"])


def _rate(frame: pl.DataFrame) -> float | None:
    """Rows per second between the first and the last event time."""
    if "@time" not in frame.columns or frame.height < 2:
        return None
    times = frame["@time"].drop_nulls()
    first, last = times.min(), times.max()
    if not isinstance(first, int) or not isinstance(last, int) or last <= first:
        return None
    return (times.len() - 1) / ((last - first) / 1e6)
