"""Windows equal a brute-force grouping of the rows, whatever the cut into batches."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detectors.layout import Column, Kind, Layout
from detectors.reference import Reference
from monitor.grouping import Bounded
from monitor.intake import ACCEPTED, FUTURE, LATE, Intake
from monitor.records import TIME, VERSION, RecordBatch
from monitor.sources.base import Position
from monitor.windows.spec import Key, WindowSpec
from monitor.windows.watermark import Holders

NOW = 10**15


def layout() -> Layout:
    """One numeric column."""
    frame = pl.DataFrame({"x": np.arange(50.0)})
    return Reference.fit(frame, [Column("x", Kind.NUMERIC)]).layout


LAYOUT = layout()
TUMBLING = WindowSpec("10", 10, 10)
SLIDING = WindowSpec("20/5", 20, 5)
ROWS = WindowSpec("7rows", 7, 7, by_rows=True)

Found = dict[tuple[str, str, int], int]
GATHERED = 3
"""Where no window is due, rows are settled at every place that this divides."""


def batch(times: list[int], versions: list[str]) -> RecordBatch:
    """Rows at these times."""
    frame = pl.DataFrame(
        {"x": np.zeros(len(times)), TIME: times, VERSION: versions},
        schema={"x": pl.Float64, TIME: pl.Int64, VERSION: pl.String},
    )
    return RecordBatch(frame, Position({}), partition="a")


def run(
    specs: list[WindowSpec], times: list[int], cuts: list[int], disorder: int
) -> tuple[Found, Counter[str]]:
    """Rows by window, closing when a window is due or now and then; and rows by outcome."""
    intake = Intake(LAYOUT, specs, disorder=disorder, ahead=0)
    outcomes: Counter[str] = Counter()
    found: Found = {}
    versions = ["v2" if i % 3 == 0 else "v1" for i in range(len(times))]

    def close(*, flush: bool) -> None:
        list(intake.settle())
        closed = [*intake.time.close(intake.watermark.value, flush=flush)] if intake.time else []
        closed += [*intake.counted.close(intake.rows, flush=flush)] if intake.counted else []
        for window in closed:
            place = (window.spec.name, window.key.version, window.start)
            assert place not in found, "a window closes once"
            found[place] = window.profile.rows

    edges = [0, *sorted(c for c in cuts if c < len(times)), len(times)]
    for start, end in pairwise(edges):
        outcomes.update(intake.take(batch(times[start:end], versions[start:end]), NOW, Holders()))
        if intake.due or end % GATHERED == 0:
            close(flush=False)
    close(flush=True)
    return found, outcomes


def brute_force(specs: list[WindowSpec], times: list[int], disorder: int) -> tuple[Found, Counter[str]]:
    """The same, row by row from the definition."""
    found: Counter[tuple[str, str, int]] = Counter()
    outcomes: Counter[str] = Counter()
    newest = -(2**62)
    numbers: Counter[str] = Counter()
    timed = [spec for spec in specs if not spec.by_rows]
    for i, time in enumerate(times):
        version = "v2" if i % 3 == 0 else "v1"
        watermark = newest - disorder
        ends = [time // spec.slide * spec.slide + spec.length for spec in timed]
        newest = max(newest, time)
        if timed and max(ends) <= watermark:
            outcomes[LATE] += 1
            continue
        outcomes[ACCEPTED] += 1
        for spec in specs:
            at = numbers[version] if spec.by_rows else time
            start = at // spec.slide * spec.slide
            while start + spec.length > at:
                if spec.by_rows or start + spec.length > watermark:
                    found[(spec.name, version, start)] += 1
                start -= spec.slide
        numbers[version] += 1
    return dict(found), outcomes


@settings(max_examples=60)
@example(times=[0, 10, 0], cuts=[2], disorder=1)
@given(
    times=st.lists(st.integers(0, 200), max_size=60),
    cuts=st.lists(st.integers(1, 60), max_size=8),
    disorder=st.integers(0, 30),
)
def test_tumbling_and_row_windows_equal_brute_force(times: list[int], cuts: list[int], disorder: int) -> None:
    """Every accepted row is in the windows that the definition names, late rows in none, for any cut."""
    found, outcomes = run([TUMBLING, ROWS], times, cuts, disorder)
    expected, expected_outcomes = brute_force([TUMBLING, ROWS], times, disorder)
    assert expected == found
    assert +expected_outcomes == +outcomes
    assert len(times) == sum(outcomes.values())


@settings(max_examples=60)
@given(times=st.lists(st.integers(0, 200), max_size=60), cuts=st.lists(st.integers(1, 60), max_size=8))
def test_sliding_windows_of_ordered_rows_equal_brute_force(times: list[int], cuts: list[int]) -> None:
    """Sliding windows that closed hold exactly their rows; the flush closes the ones that hold the newest pane."""
    ordered = sorted(times)
    found, _ = run([SLIDING], ordered, cuts, 0)
    expected, _ = brute_force([SLIDING], ordered, 0)
    last = (ordered[-1] // 5 * 5 if ordered else 0) + 5
    due = {place: rows for place, rows in expected.items() if place[2] + 20 <= last + 4}
    assert due == {place: rows for place, rows in found.items() if place[2] + 20 <= last + 4}


def test_rows_from_the_future_are_counted_out() -> None:
    """A row from beyond the clock cannot push the watermark on."""
    intake = Intake(LAYOUT, [TUMBLING], disorder=0, ahead=5)
    outcomes = intake.take(batch([100, 111, 105], ["", "", ""]), 105, Holders())
    assert {ACCEPTED: 2, FUTURE: 1} == dict(outcomes)
    assert intake.watermark.value == 105


def test_silence_is_told_in_empty_windows() -> None:
    """While the newest version is silent, empty windows close for it, at most eight in one gap."""
    intake = Intake(LAYOUT, [TUMBLING], disorder=0, ahead=0)
    assert intake.time is not None
    intake.take(batch([5], [""]), NOW, Holders())
    list(intake.settle())
    intake.watermark.idle(40)
    closed = [*intake.time.close(intake.watermark.value, silent=Key(""))]
    assert [(0, 1), (10, 0), (20, 0), (30, 0)] == [(w.start, w.profile.rows) for w in closed]
    intake.watermark.idle(4000)
    assert len([*intake.time.close(intake.watermark.value, silent=Key(""))]) == 8


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "null", ""]) | st.none(), min_size=1), min_size=1))
def test_labels_of_a_batch_name_its_values(batches: list[list[str | None]]) -> None:
    """The code of each row leads to its value, or to `other` beyond the limit, in batches of one value too."""
    bound, known = Bounded(2), list[str]()
    for values in batches:
        texts = ["null" if value is None else value for value in values]
        known += [text for text in dict.fromkeys(texts) if text not in known]
        labels = bound.labels(pl.Series(values, dtype=pl.String))
        expected = [text if text in known[:2] else "other" for text in texts]
        assert expected == [labels.names[code] for code in labels.codes.tolist()]
