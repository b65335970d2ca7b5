"""A column of a frame, read as slots: a whole stretch of rows counted, or the slot of each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.binning import CategoricalBinning, LogBinning, NumericBinning
from detectors.bottom_k import BottomK
from detectors.layout import REMARKS, SPECIALS, TEXT_LIMIT, Column, Kind, Layout, Odd, Role
from detectors.numeric_pass import Tally, tally
from detectors.numeric_together import MOST_ROWS, tally_together
from detectors.text_codes import HASH_SEED, as_categories, hashes_of, physical_codes
from detectors.workspace import BLOCK, Workspace

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Places = Ints | slice

KEPT_TEXT = 200
"""Characters of an unseen value that are kept."""

NULL, NAN, POSITIVE, NEGATIVE = range(4)
"""Slots of the first specials, counted from the end of the value bins."""

_HASHED = 8 * BLOCK
"""Rows that are hashed at once: a call of polars costs as much as a few thousand rows."""

_CLASSES = [f"{digit}xx" for digit in range(10)]
_STATUS_CLASSES = pl.Series(_CLASSES, dtype=pl.Enum(_CLASSES))

_MISSING = SPECIALS.index("missing")
_HARD = (Odd.NUMBER_AS_STRING, Odd.WRONG_TYPE, Odd.MISSING)
_REMARKS = (Odd.FRACTIONAL, Odd.BAD_ENCODING, Odd.TRUNCATED)


@dataclass(frozen=True)
class Counted:
    """A stretch of rows of one column.

    Attributes:
        slots: int64, shape (slots of the column,).
        tally: extremes and sums of a numeric column.
        strangers: unseen values of a categorical column, one entry a row.
    """

    slots: Ints
    tally: Tally | None = None
    strangers: pl.Series | None = None


@dataclass(frozen=True)
class ColumnReader:
    """Column i of a layout in a frame; `series` is None where the frame lacks it."""

    layout: Layout
    i: int
    series: pl.Series | None
    odd: pl.Series | None
    hashes: npt.NDArray[np.uint64] | None = None

    @classmethod
    def open_all(cls, layout: Layout, frame: pl.DataFrame) -> list[ColumnReader]:
        """All columns; of frames that are not long, the texts are hashed in one call of polars."""
        readers = [cls.open(layout, frame, i) for i in range(len(layout.columns))]
        texts = {str(r.i): r.series for r in readers if r.hashable}
        if frame.height > _HASHED or not texts:
            return readers
        hashed = pl.DataFrame(texts).select(pl.all().hash(HASH_SEED))
        return [replace(r, hashes=hashed[str(r.i)].to_numpy()) if str(r.i) in texts else r for r in readers]

    @classmethod
    def count_all(cls, readers: Sequence[ColumnReader], rows: int) -> list[Counted]:
        """Count all rows of columns; `rows` says how many there are where the frame lacks one."""
        space = Workspace(rows)
        found: dict[int, Tally] = {}
        if rows <= MOST_ROWS:
            found = tally_together({r.i: one for r in readers if (one := r.numbers) is not None})
        return [reader.count(rows, space, found.get(reader.i)) for reader in readers]

    @property
    def hashable(self) -> bool:
        """A column of text whose known values are found by their hashes."""
        binning = self.layout.binnings[self.i]
        text = isinstance(binning, CategoricalBinning) and binning.hash_table is not None
        return text and self.series is not None and self.series.dtype == pl.String

    @classmethod
    def open(cls, layout: Layout, frame: pl.DataFrame, i: int) -> ColumnReader:
        """Find the column in the frame."""
        column = layout.columns[i]
        numeric = column.kind is Kind.NUMERIC
        series = numeric_values(layout, frame, column) if numeric else categorical_values(frame, column)
        return cls(layout, i, series, frame.get_column(f"@odd.{column.source}", default=None))

    @property
    def size(self) -> int:
        """Value bins of the column."""
        return self.layout.binnings[self.i].size

    def slice(self, start: int, rows: int) -> ColumnReader:
        """The same column over a stretch of rows."""
        series = None if self.series is None else self.series.slice(start, rows)
        odd = None if self.odd is None else self.odd.slice(start, rows)
        hashes = None if self.hashes is None else self.hashes[start : start + rows]
        return ColumnReader(self.layout, self.i, series, odd, hashes)

    def count(self, rows: int, space: Workspace, found: Tally | None = None) -> Counted:
        """Count all rows of the column.

        Args:
            rows: how many there are where the frame lacks the column.
            space: buffers.
            found: what `tally_together` has made of the column.
        """
        slots = np.zeros(self.size + len(SPECIALS) + len(REMARKS), np.int64)
        binning = self.layout.binnings[self.i]
        if self.series is None:
            slots[self.size + _MISSING] = rows
            return Counted(slots)
        if isinstance(binning, CategoricalBinning):
            counted = self._count_text(binning, self.series, slots, space)
        else:
            counted = Counted(slots, self._count_numbers(binning, self.series, slots, space, found))
        if self.odd is not None:
            self._move_odd(self.series, self.odd, slots)
        return counted

    @property
    def numbers(self) -> tuple[NumericBinning, Floats, int] | None:
        """What `tally_together` asks for; None for a column that it leaves out whatever its values are."""
        binning = self.layout.binnings[self.i]
        if self.series is None or not isinstance(binning, NumericBinning) or binning.plain is None:
            return None
        return binning, self.series.to_numpy(), self.series.null_count()

    def codes(self, rows: int) -> Ints:
        """The slot of each row, int64, shape (rows,): value bins, then specials."""
        return self._slots_of(rows, slice(None))

    def codes_at(self, places: Ints) -> Ints:
        """The slots of the rows at some places, int64, shape (places,)."""
        return self._slots_of(places.size, places)

    def _slots_of(self, rows: int, places: Places) -> Ints:
        """The slots of so many rows, which are at these places."""
        binning = self.layout.binnings[self.i]
        if self.series is None:
            return np.full(rows, self.size + _MISSING)
        if not isinstance(binning, CategoricalBinning):
            codes = self._number_codes(binning, self.series, places)
        elif self.hashes is not None and binning.hash_table is not None:
            codes = binning.hash_table.codes_of(self.hashes[places], binning.unseen)
        else:
            codes = binning.codes(self.series[places])
        if self.odd is not None:
            kinds = self.odd.fill_null(0).to_numpy()[places]
            hidden = codes == self.size + NULL
            for kind in _HARD:
                codes[hidden & (kinds == kind)] = self.size + SPECIALS.index(kind.name.lower())
        return codes

    def _number_codes(self, binning: NumericBinning | LogBinning, series: pl.Series, places: Places) -> Ints:
        """Slots of numbers: value bins, then null, NaN and the infinities."""
        if series.null_count():
            series = series[places]
            values = series.to_numpy()
        else:
            values = series.to_numpy()[places]
        finite = np.isfinite(values)
        if finite.all():
            return binning.codes(values)
        nulls, empty = series.null_count(), np.isnan(values)
        codes = np.full(values.size, binning.size + (NULL if nulls else NAN))
        codes[finite] = binning.codes(values[finite])
        codes[values == np.inf] = binning.size + POSITIVE
        codes[values == -np.inf] = binning.size + NEGATIVE
        if nulls and nulls < np.count_nonzero(empty):
            codes[empty & ~series.is_null().to_numpy()] = binning.size + NAN
        return codes

    def remarks(self) -> npt.NDArray[np.uint8] | None:
        """The odd codes of the rows; None where this frame has none."""
        return None if self.odd is None else self.odd.fill_null(0).to_numpy()

    def _count_numbers(
        self,
        binning: NumericBinning | LogBinning,
        series: pl.Series,
        slots: Ints,
        space: Workspace,
        found: Tally | None,
    ) -> Tally:
        """Count a numeric column."""
        nulls = series.null_count()
        if found is None:
            found = tally(binning, (series.drop_nulls() if nulls else series).to_numpy(), space)
        slots[: self.size] = found.counts
        specials = (nulls, found.nan, found.positive_infinity, found.negative_infinity)
        slots[self.size : self.size + len(specials)] = specials
        return found

    def _count_text(
        self, binning: CategoricalBinning, series: pl.Series, slots: Ints, space: Workspace
    ) -> Counted:
        """Count a categorical column and collect what the reference never had."""
        strangers: list[pl.Series] = []
        table = binning.hash_table
        if series.dtype == pl.String and table is not None:
            for start in range(0, series.len(), _HASHED):
                block = series.slice(start, _HASHED)
                hashes = hashes_of(block) if self.hashes is None else self.hashes
                counts, strange = table.count_all(hashes, space)
                np.add.at(slots, table.codes[table.living], counts[table.living])
                if strange.size:
                    strangers.append(block.gather(strange))
            found = pl.concat(strangers) if strangers else None
            slots[binning.unseen] += 0 if found is None else found.len()
        else:
            keys, codes = physical_codes(as_categories(series), binning.table, binning.unseen, binning.size)
            np.add.at(slots, codes, np.bincount(keys, minlength=codes.size))
            odd = np.flatnonzero(codes.take(keys) == binning.unseen) if slots[binning.unseen] else None
            found = None if odd is None else series.gather(odd).cast(pl.String)
        if found is not None:
            slots[self.size + len(SPECIALS) + REMARKS.index("truncated")] += _long(found)
        return Counted(slots, strangers=found)

    def _move_odd(self, series: pl.Series, odd: pl.Series, slots: Ints) -> None:
        """Count hard oddities apart from nulls, and the remarks."""
        hard = odd.filter(series.is_null()) if series.null_count() else odd.clear()
        by_kind = np.bincount(hard.fill_null(0).to_numpy(), minlength=len(Odd))
        for kind in _HARD:
            slots[self.size + SPECIALS.index(kind.name.lower())] += by_kind[kind]
            slots[self.size + NULL] -= by_kind[kind]
        every = np.bincount(odd.fill_null(0).to_numpy(), minlength=len(Odd))
        slots[self.size + len(SPECIALS) :] += every[list(_REMARKS)]


def _long(texts: pl.Series) -> int:
    """How many texts are longer than the limit."""
    return int((texts.str.len_bytes() > TEXT_LIMIT).sum())


def numeric_values(layout: Layout, frame: pl.DataFrame, column: Column) -> pl.Series | None:
    """A numeric column as Float64, the derived absolute error included; None where the frame lacks it."""
    if column.role is Role.ERROR:
        pair = [c for role in (Role.PREDICTION, Role.LABEL) for c in layout.columns if c.role is role][:2]
        sides = [frame.get_column(c.source, default=None) for c in pair]
        one, other = (None if side is None else side.cast(pl.Float64, strict=False) for side in sides)
        return None if one is None or other is None else (one - other).abs()
    series: pl.Series | None = frame.get_column(column.source, default=None)
    return series if series is None or series.dtype == pl.Float64 else series.cast(pl.Float64, strict=False)


def categorical_values(frame: pl.DataFrame, column: Column) -> pl.Series | None:
    """A categorical column as text or categories; None where the frame lacks it."""
    series: pl.Series | None = frame.get_column(column.source, default=None)
    if series is None:
        return None
    if column.role is Role.STATUS:
        return _status_classes(series.cast(pl.Int64, strict=False) // 100)
    return series if series.dtype in (pl.String, pl.Categorical, pl.Enum) else series.cast(pl.String)


def _status_classes(hundreds: pl.Series) -> pl.Series:
    """`2xx` for 2; as categories, which cost no text for each row, where all are single digits."""
    low, high = hundreds.min(), hundreds.max()
    if isinstance(low, int) and isinstance(high, int) and low >= 0 and high < len(_CLASSES):
        return _STATUS_CLASSES.gather(hundreds)
    return hundreds.cast(pl.String) + "xx"


def sketch(k: int, strangers: Sequence[str] | pl.Series) -> BottomK:
    """The distinct texts of rows, by the smallest hashes."""
    series = strangers if isinstance(strangers, pl.Series) else pl.Series(strangers, dtype=pl.String)
    counted = series.alias("value").value_counts(name="rows")
    texts = counted["value"].str.slice(0, KEPT_TEXT).to_list()
    return BottomK.of(k, hashes_of(counted["value"]), counted["rows"].cast(pl.Int64).to_numpy(), texts)
