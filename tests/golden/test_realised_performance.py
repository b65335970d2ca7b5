"""Realised performance, beside NannyML's published and measured figures."""

import json
from pathlib import Path

import polars as pl
import pytest

from detectors.base import Verdict, Window
from detectors.layout import Column, Kind, Role
from detectors.performance import Performance
from detectors.profile import profile_rows
from detectors.reference import Reference

COLUMNS = (
    Column("y_pred_proba", Kind.NUMERIC, Role.SCORE),
    Column("y_pred", Kind.CATEGORICAL, Role.PREDICTION),
    Column("repaid", Kind.CATEGORICAL, Role.LABEL),
)


def test_car_loan_by_chunks(shared: Path) -> None:
    """Accuracy as NannyML's, area under the curve within the stated bound; the break at row 75,000 is named."""
    frame = pl.read_parquet(shared / "data/nannyml_car_loan.parquet").sort("timestamp")
    frame = frame.with_columns(pl.col("y_pred", "repaid").cast(pl.String))
    oracle = json.loads((shared / "cases/oracle_cases.json").read_text())["chunked"]
    expected = next(c for c in oracle if c["id"] == "nannyml_car_loan/realised_performance")["expected"]
    reference = Reference.fit(frame[:50_000], COLUMNS)
    for chunk in range(10):
        window = Window(profile_rows(reference.layout, frame[50_000 + 5000 * chunk :][:5000]))
        results = {r.column: r for r in Performance().test(reference, window)}
        assert expected["accuracy"][chunk] == pytest.approx(results["accuracy"].statistic, abs=1e-4)
        assert expected["roc_auc"][chunk] == pytest.approx(results["roc_auc"].statistic, abs=1e-4)
        loud = results["accuracy"].verdict in (Verdict.WARNING, Verdict.DRIFT)
        assert loud == (chunk >= 5)
