"""Roles of columns, guessed by name and content."""

import numpy as np
import polars as pl
import pytest

from monitor.first_look.roles import UnknownColumnError, guess_roles


@pytest.fixture
def frame(rng: np.random.Generator) -> pl.DataFrame:
    """A flat prediction log of 500 rows with a column of every kind."""
    n = 500
    score = rng.uniform(size=n)
    return pl.DataFrame(
        {
            "request_id": [f"r{i}" for i in range(n)],
            "ts": pl.datetime_range(pl.datetime(2026, 1, 1), pl.datetime(2026, 1, 2), "1s", eager=True)[:n],
            "modelVersion": ["v1"] * 400 + ["v2"] * 100,
            "age": rng.integers(18, 90, n),
            "city": rng.choice(["Bern", "Oslo", "Rome"], n),
            "row": range(n),
            "year": [2025] * 250 + [2026] * 250,
            "split": ["reference"] * 250 + ["analysis"] * 250,
            "note": [f"text {i}" for i in range(n)],
            "prediction": (score > 0.5).astype(int),
            "probability": score,
            "bought": (rng.uniform(size=n) < score).astype(int),
            "has_car": rng.integers(0, 2, n),
            "latency_ms": rng.gamma(2, 10, n),
            "status": rng.choice([200, 200, 200, 500], n),
        }
    )


def test_every_role_is_found(frame: pl.DataFrame) -> None:
    """Names and content lead to all roles; the label is found by its agreement with the prediction."""
    roles = guess_roles(frame)
    expected = {
        "id": "request_id",
        "timestamp": "ts",
        "version": "modelVersion",
        "status": "status",
        "latency": "latency_ms",
        "prediction": "prediction",
        "score": "probability",
        "label": "bought",
    }
    assert expected == roles.of
    assert ["age", "city", "has_car"] == roles.features


def test_what_only_trends_is_left_out_with_a_reason(frame: pl.DataFrame) -> None:
    """Row counters, date parts, partitions and texts that never repeat are no features."""
    roles = guess_roles(frame)
    assert ["row", "year", "split", "note"] == roles.ignored
    assert all(roles.why[name] for name in roles.ignored)


def test_the_user_overrides_every_guess(frame: pl.DataFrame) -> None:
    """Given roles are obeyed, `-` takes a role away, and given columns are not ignored."""
    given = {
        "label": ["has_car"],
        "prediction": ["-"],
        "ignore": ["city"],
        "segment": ["year"],
        "id": ["note"],
    }
    roles = guess_roles(frame, given)
    assert "has_car" == roles.of["label"]
    assert "note" == roles.of["id"]
    assert "prediction" not in roles.of
    assert ["year"] == roles.segments
    assert "city" in roles.ignored
    assert "year" not in roles.ignored


def test_a_column_that_is_not_there_is_named_with_a_hint(frame: pl.DataFrame) -> None:
    """A misspelt column is refused, and the closest one is told."""
    with pytest.raises(UnknownColumnError, match=r"'bougth' \(did you mean bought\?\)"):
        guess_roles(frame, {"label": ["bougth"]})


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("ts", [1.7e9 + i for i in range(100)], True),
        ("ts", [1_700_000_000_000 + i for i in range(100)], True),
        ("ts", ["2026-01-01T00:00:00Z"] * 100, True),
        ("ts", list(range(100)), False),
        ("ts", ["soon"] * 100, False),
        ("amount", [1.7e9 + i for i in range(100)], False),
    ],
)
def test_times_are_told_by_content(name: str, values: list[object], *, found: bool) -> None:
    """A column is the event time when it holds times, and numbers only under a name that says so."""
    assert found == ("timestamp" in guess_roles(pl.DataFrame({name: values})).of)


def test_a_common_value_is_no_label(rng: np.random.Generator) -> None:
    """A flag that agrees with the prediction only because both are nearly always 0 is not taken for the label."""
    n = 2000
    frame = pl.DataFrame(
        {
            "prediction": (rng.uniform(size=n) < 0.03).astype(int),
            "vip": (rng.uniform(size=n) < 0.03).astype(int),
        }
    )
    assert "label" not in guess_roles(frame).of
