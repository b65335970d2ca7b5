"""Bin codes of a reference's rows in their own order, for what is measured on it once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.association import Association, ScoreTable, associate
from detectors.column_reader import ColumnReader
from detectors.comparison import JUDGED
from detectors.comparison_numbers import middles_of
from detectors.dependence import Dependence, block_sizes, measure_column
from detectors.layout import Kind, Layout
from detectors.profile import Profile

Codes = npt.NDArray[np.int64]


def ordered_codes(layout: Layout, frame: pl.DataFrame) -> Iterator[Codes]:
    """For each column the value bin of each row, int64, shape (rows,); -1 for rows without a usable value."""
    for i, binning in enumerate(layout.binnings):
        codes = ColumnReader.open(layout, frame, i).codes(frame.height)
        yield np.where(codes < binning.size, codes, -1)


@dataclass(frozen=True)
class RowOrder:
    """What is measured once on a reference's rows, in their own order.

    Attributes:
        dependence: design effects of every column.
        association: rank correlations of the judged columns and how they vary.
    """

    dependence: Dependence
    association: Association

    @classmethod
    def measure(cls, layout: Layout, profile: Profile, frame: pl.DataFrame) -> RowOrder:
        """One pass over the rows, column by column."""
        columns = layout.with_role(*JUDGED)
        tables = ScoreTable.of(layout, profile.counts, columns)
        scores = np.zeros((frame.height, len(columns)), dtype=np.float32)
        design = []
        for i, codes in enumerate(ordered_codes(layout, frame)):
            middles = middles_of(layout.binnings[i]) if layout.columns[i].kind is Kind.NUMERIC else None
            design.append(measure_column(codes, profile.values(i), middles))
            if i in columns:
                scores[:, columns.index(i)] = tables.score(columns.index(i), codes)
        dependence = Dependence(frame.height, block_sizes(frame.height), np.stack(design))
        return cls(dependence, associate(scores))

    @classmethod
    def unknown(cls, columns: int) -> RowOrder:
        """Nothing was measured: rows are taken as independent, correlations as unknown."""
        return cls(Dependence.independent(columns), associate(np.zeros((0, 0), dtype=np.float32)))

    def with_scores(self, scores: npt.NDArray[np.float32]) -> RowOrder:
        """The same dependence with the correlations of other rows: float32 scores, shape (rows, judged columns)."""
        known, found = self.association, associate(scores)
        return replace(self, association=replace(found, sizes=known.sizes, design=known.design))

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Arrays by name, for the archive."""
        d, a = self.dependence, self.association
        return {
            "dependence_rows": np.array([d.rows]),
            "dependence_sizes": d.sizes,
            "dependence_design": d.design,
            "association_sizes": a.sizes,
            "association_correlation": a.correlation,
            "association_variance": a.variance,
            "association_heavy": a.heavy,
            "association_design": a.design,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> RowOrder:
        """What `to_arrays` gave."""
        rows = int(arrays["dependence_rows"][0])
        association = Association(
            rows,
            arrays["association_sizes"],
            arrays["association_correlation"],
            arrays["association_variance"],
            arrays["association_heavy"],
            arrays["association_design"],
        )
        return cls(Dependence(rows, arrays["dependence_sizes"], arrays["dependence_design"]), association)
