"""Columns that a comparison of windows should leave out, and why."""

from __future__ import annotations

import polars as pl

from monitor.first_look import words
from monitor.first_look.content import Content

_TRENDS = 0.98
_LEANS = 0.9
_MANY = 10
_NEARLY_ALL = 0.95
_ENOUGH = 100


def reason_to_ignore(column: Content, name: str) -> str:
    """Why a column without a role is no feature; "" where it may be one."""
    named = words.words(name)
    counts = abs(column.rising) >= _TRENDS or words.COUNTERS.intersection(named)
    partition = words.likeness(name, words.PARTITION) and column.distinct < _MANY
    reasons = {
        "a list or an object, which is not compared": column.dtype.is_nested(),
        "empty": column.nulls == column.rows,
        "another time, which only moves on": column.dtype.is_temporal(),
        "tells which part of the data a row belongs to": partition,
        "a part of the date that only moves on": words.DATE_PARTS.intersection(named)
        and _only_moves_on(column),
        "counts the rows": column.whole and column.unique and counts,
        "only moves on with the rows": abs(column.rising) >= _TRENDS and column.distinct >= _MANY,
        "text of which nearly every value differs": column.dtype == pl.String and _nearly_all_differ(column),
        "an identifier": words.likeness(name, words.ID) and _nearly_all_differ(column),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _only_moves_on(column: Content) -> bool:
    return column.blocks or column.distinct == 1 or abs(column.rising) >= _LEANS


def _nearly_all_differ(column: Content) -> bool:
    present = column.rows - column.nulls
    return present >= _ENOUGH and column.distinct >= _NEARLY_ALL * present
