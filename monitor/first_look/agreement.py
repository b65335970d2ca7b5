"""Which column says what the prediction says: the label, where no name tells."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

_MAX_CLASSES = 20
_LEAST_KAPPA = 0.3
_LEAST_MARGIN = 0.1


def agreeing(frame: pl.DataFrame, prediction: str, candidates: Sequence[str]) -> tuple[str, float]:
    """The column with the prediction's values that agrees with it best, and in which share of the rows.

    Agreement is Cohen's kappa, so a value that nearly all rows have proves nothing. Without a clear winner
    the name is "".
    """
    values = _values(frame[prediction])
    if not 1 < len(values) <= _MAX_CLASSES:
        return "", 0.0
    alike = [
        n for n in candidates if frame[n].dtype == frame[prediction].dtype and _values(frame[n]) == values
    ]
    found = sorted(((*_kappa(frame[prediction], frame[name]), name) for name in alike), reverse=True)
    if not found or found[0][0] < _LEAST_KAPPA:
        return "", 0.0
    if len(found) > 1 and found[0][0] - found[1][0] < _LEAST_MARGIN:
        return "", 0.0
    return found[0][2], found[0][1]


def _values(series: pl.Series) -> frozenset[object]:
    return frozenset(series.drop_nulls().unique().head(_MAX_CLASSES + 1).to_list())


def _kappa(left: pl.Series, right: pl.Series) -> tuple[float, float]:
    """Cohen's kappa and the share of rows in which both are equal."""
    pairs = pl.DataFrame({"left": left, "right": right}).drop_nulls()
    if not pairs.height:
        return 0.0, 0.0
    equal = float(pairs.select((pl.col("left") == pl.col("right")).mean()).item())
    shares = (
        pairs["left"]
        .value_counts(normalize=True)
        .join(pairs["right"].value_counts(normalize=True), left_on="left", right_on="right")
    )
    by_chance = float(shares.select((pl.col("proportion") * pl.col("proportion_right")).sum()).item())
    return ((equal - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0), equal
