"""One column of values in the type that its column holds, and what was odd about them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.layout import Odd

REPLACEMENT = "\ufffd"
NO_VALUE = ("", "NA", "N/A", "n/a", "null", "NULL", "None")
"""Texts that stand for a missing number in a text table."""

_EXACT_INTEGERS = 2.0**63
_FEW = 512


class Cells(NamedTuple):
    """A converted column.

    Attributes:
        values: canonical values; null where the oddity says so.
        odd: uint8 codes of `Odd`, shape (rows,), or None where nothing is odd.
    """

    values: pl.Series
    odd: npt.NDArray[np.uint8] | None = None


def numeric_cells(series: pl.Series, *, integer: bool = False, text: bool = False) -> Cells:
    """Numbers as Float64.

    Args:
        series: raw values of one type.
        integer: fractions are remarked on.
        text: the source knows text only (CSV): numbers in text are numbers.
    """
    if series.dtype.is_numeric():
        values = series if series.dtype == pl.Float64 else series.cast(pl.Float64, strict=False)
        return Cells(values, _fractions(values) if integer and not series.dtype.is_integer() else None)
    if series.dtype == pl.Null:
        return Cells(pl.Series([None] * len(series), dtype=pl.Float64))
    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    if series.dtype == pl.String:
        return _numbers_in_text(series, integer=integer, text=text)
    nothing = pl.repeat(None, len(series), dtype=pl.Float64, eager=True)
    return Cells(nothing, _where(series.is_not_null(), Odd.WRONG_TYPE))


def categorical_cells(
    series: pl.Series, *, numbers: bool = False, text: bool = False, ascii_only: bool = False
) -> Cells:
    """Categories as text; Categorical and Enum stay what they are.

    Args:
        series: raw values of one type.
        numbers: the categories are numbers: 1, 1.0 and, in text tables, "1.0" are all `1`.
        text: the source knows text only.
        ascii_only: the texts are known to hold no U+FFFD.
    """
    dtype = series.dtype
    if dtype in (pl.Categorical, pl.Enum):
        return Cells(series)
    if dtype == pl.String:
        odd = None if ascii_only or is_ascii(series) else _replaced(series)
        if text and numbers:
            plain = series.cast(pl.Float64, strict=False)
            series = pl.select(pl.coalesce(number_texts(plain), series)).to_series()
        return Cells(series, odd)
    if dtype == pl.Null:
        return Cells(series.cast(pl.String))
    if dtype == pl.Boolean or dtype.is_temporal():
        return Cells(series.cast(pl.String))
    if dtype.is_numeric() and numbers:
        return Cells(number_texts(series))
    nothing = pl.repeat(None, len(series), dtype=pl.String, eager=True)
    return Cells(nothing, _where(series.is_not_null(), Odd.WRONG_TYPE))


def text_cells(series: pl.Series) -> pl.Series:
    """Identifiers, versions and segments as text; null where the value is an object, an array or bytes."""
    if series.dtype == pl.String:
        return series
    if series.dtype.is_numeric():
        return number_texts(series)
    if series.dtype.is_nested() or series.dtype == pl.Binary:
        return pl.repeat(None, len(series), dtype=pl.String, eager=True)
    return series.cast(pl.String)


def is_ascii(series: pl.Series) -> bool:
    """Whether all texts are ASCII: as many characters as bytes. To ask polars costs as much as a thousand texts."""
    if len(series) <= _FEW:
        return "".join(series.drop_nulls().to_list()).isascii()
    return bool(series.str.len_bytes().sum() == series.str.len_chars().sum())


def number_texts(series: pl.Series) -> pl.Series:
    """Numbers as categories are written: whole ones without a point."""
    if series.dtype.is_integer():
        return series.cast(pl.String)
    values = series.cast(pl.Float64)
    plain = values.cast(pl.String)
    whole = (values.floor() == values) & (values.abs() < _EXACT_INTEGERS)
    if not whole.any():
        return plain
    return plain.zip_with(~whole.fill_null(value=False), values.cast(pl.Int64, strict=False).cast(pl.String))


def _numbers_in_text(series: pl.Series, *, integer: bool, text: bool) -> Cells:
    parsed = series.str.strip_chars().cast(pl.Float64, strict=False)
    present = series.is_not_null()
    if text:
        present &= ~series.str.strip_chars().is_in(NO_VALUE)
        wrong = present & parsed.is_null()
        odd = _fractions(parsed) if integer else None
        return Cells(parsed, _merged(odd, _where(wrong, Odd.WRONG_TYPE) if wrong.any() else None))
    nothing = pl.repeat(None, len(series), dtype=pl.Float64, eager=True)
    odd = _where(present & parsed.is_not_null(), Odd.NUMBER_AS_STRING)
    return Cells(nothing, _merged(odd, _where(present & parsed.is_null(), Odd.WRONG_TYPE)))


def _fractions(values: pl.Series) -> npt.NDArray[np.uint8] | None:
    numbers = values.to_numpy()
    fractional = np.isfinite(numbers) & (np.floor(numbers) != numbers)
    return fractional.astype(np.uint8) * np.uint8(Odd.FRACTIONAL) if fractional.any() else None


def _replaced(series: pl.Series) -> npt.NDArray[np.uint8] | None:
    """The rows that hold U+FFFD; looking through one long text is cheaper than through each."""
    joined = series.str.join("").item()
    if REPLACEMENT not in joined:
        return None
    return _where(series.str.contains(REPLACEMENT, literal=True), Odd.BAD_ENCODING)


def _where(mask: pl.Series, code: Odd) -> npt.NDArray[np.uint8] | None:
    marks = mask.fill_null(value=False).to_numpy()
    return marks.astype(np.uint8) * np.uint8(code) if marks.any() else None


def _merged(
    one: npt.NDArray[np.uint8] | None, other: npt.NDArray[np.uint8] | None
) -> npt.NDArray[np.uint8] | None:
    if one is None or other is None:
        return other if one is None else one
    return np.maximum(one, other)
