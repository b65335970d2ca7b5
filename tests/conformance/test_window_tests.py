"""Every registered window test: the same results for the same rows, however cut, and never an exception."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from scipy import stats

from detectors.base import Result, Verdict, Window, WindowTest
from detectors.profile import Profile, profile_rows
from detectors.reference import Reference
from tests.conformance.registered import WINDOW_TEST_TYPES
from tests.conformance.windows import COLUMNS, SECOND, rows, wild

TESTS = [pytest.param(component(), id=word) for word, component in WINDOW_TEST_TYPES.items()]
LOUD = (Verdict.WARNING, Verdict.DRIFT)


@pytest.fixture(scope="module")
def reference() -> Reference:
    """8,000 quiet rows."""
    return Reference.fit(rows(np.random.default_rng(7), 8000), COLUMNS)


def window(reference: Reference, frame: pl.DataFrame, *history: Profile, min_rows: int = 1) -> Window:
    """A window of a quarter of an hour with these rows."""
    profile = profile_rows(reference.layout, frame, {"extra": frame.height})
    return Window(profile, history, end=900 * SECOND, min_rows=min_rows, expected_rows=900.0)


def as_rows(results: object) -> str:
    """Results as text, in which NaN equals NaN."""
    return repr(results)


def check(test: WindowTest, results: list[Result], rows_in_window: int) -> None:
    """Results that anybody may rely on."""
    names = [(result.column, result.cause) for result in results]
    assert len(names) == len(set(names))
    for result in results:
        assert result.test == test.type  # type: ignore[attr-defined]
        assert isinstance(result.verdict, Verdict)
        assert type(result.statistic) is float
        assert result.p_value is None or 0 <= result.p_value <= 1 or result.verdict is Verdict.ERROR
        assert 0 <= result.rows <= rows_in_window
        assert len(result.detail) <= 1000


@pytest.mark.parametrize("test", TESTS)
def test_the_reference_itself_is_no_change(test: WindowTest, reference: Reference) -> None:
    """A window of the reference's own rows is well in every column."""
    results = list(test.test(reference, reference.as_window()))
    check(test, results, reference.rows)
    assert [r for r in results if r.verdict in (*LOUD, Verdict.ERROR)] == []


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("kind", sorted(wild(np.random.default_rng(0), 5)))
def test_no_rows_make_it_fail(test: WindowTest, reference: Reference, kind: str) -> None:
    """Null, NaN, infinite, huge, constant, new, odd, missing, one row: results, with and without a history."""
    frame = wild(np.random.default_rng(3), 300)[kind]
    view = window(reference, frame)
    check(test, list(test.test(reference, view)), frame.height)
    check(test, list(test.test(reference, window(reference, frame, *[view.profile] * 7))), 8 * frame.height)


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("kind", sorted(wild(np.random.default_rng(0), 5)))
def test_no_reference_makes_it_fail(test: WindowTest, kind: str) -> None:
    """The same rows as a reference, and quiet ones as the window."""
    rng = np.random.default_rng(4)
    frame = wild(rng, 300)[kind]
    columns = [column for column in COLUMNS if column.name in frame.columns]
    reference = Reference.fit(frame if columns else rows(rng, 1), columns or COLUMNS)
    check(test, list(test.test(reference, window(reference, rows(rng, 200)))), 200)


@pytest.mark.parametrize("test", TESTS)
def test_an_empty_window_is_no_drift_of_columns(test: WindowTest, reference: Reference) -> None:
    """No rows: nothing can be said of a column; silence is the service's to tell."""
    results = list(test.test(reference, Window(Profile.empty(reference.layout), end=900 * SECOND)))
    check(test, results, 0)
    assert [r for r in results if r.verdict in LOUD] == []


@pytest.mark.parametrize("test", TESTS)
def test_too_few_rows_are_insufficient(test: WindowTest, reference: Reference) -> None:
    """Under the minimum no column is called changed, even by rows that are."""
    frame = wild(np.random.default_rng(5), 40)["negative"]
    results = test.test(reference, window(reference, frame, min_rows=50))
    assert [r for r in results if r.verdict in LOUD] == []


@pytest.mark.parametrize("test", TESTS)
def test_the_same_window_has_the_same_results(test: WindowTest, reference: Reference) -> None:
    """Nothing is remembered, nothing is drawn, and what goes in is not written to."""
    frame = rows(np.random.default_rng(6), 500)
    before = reference.to_bytes()
    view = window(reference, frame, window(reference, frame[:250]).profile)
    saved = view.profile.to_bytes()
    first = as_rows(test.test(reference, view))
    test.test(reference, window(reference, frame[:100]))
    assert first == as_rows(test.test(reference, view))
    assert first == as_rows(type(test).model_validate(test.model_dump()).test(reference, view))
    assert (before, saved) == (reference.to_bytes(), view.profile.to_bytes())


@pytest.mark.parametrize("test", TESTS)
def test_cuts_do_not_matter(test: WindowTest, reference: Reference) -> None:
    """Panes added up in any grouping, or read back from a checkpoint, give the results of one pass."""
    frame = rows(np.random.default_rng(8), 600)
    whole = window(reference, frame).profile
    cuts = [0, 1, 50, 51, 300, 600]
    parts = [profile_rows(reference.layout, frame[a:b], {"extra": b - a}) for a, b in pairwise(cuts)]
    merged = Profile.merge(reference.layout, [parts[3], Profile.merge(reference.layout, parts[:3]), parts[4]])
    read = Profile.from_bytes(reference.layout, merged.to_bytes())
    same = Reference.from_bytes(reference.to_bytes())
    expected = as_rows(test.test(reference, Window(whole, end=900 * SECOND)))
    assert expected == as_rows(test.test(reference, Window(merged, end=900 * SECOND)))
    assert expected == as_rows(test.test(same, Window(read, end=900 * SECOND)))


@pytest.fixture(scope="module")
def quiet(reference: Reference) -> list[Profile]:
    """200 windows of 300 rows like the reference's."""
    rng = np.random.default_rng(9)
    return [profile_rows(reference.layout, rows(rng, 300)) for _ in range(200)]


@pytest.mark.parametrize("test", TESTS)
def test_quiet_windows_raise_few_warnings(
    test: WindowTest, reference: Reference, quiet: list[Profile]
) -> None:
    """Of 200 quiet windows no more warn than one in a hundred may, by the binomial bound at 0.1 %."""
    views = [Window(profile, end=900 * SECOND, min_rows=50) for profile in quiet]
    loud = sum(any(result.verdict in LOUD for result in test.test(reference, view)) for view in views)
    assert loud <= stats.binom.isf(0.001, 200, 0.01)
