"""A web server's log of 1 August 1995: a broken link in the morning, an outage in the afternoon."""

from pathlib import Path

import polars as pl
import pytest

from detectors.base import Result, Verdict, Window
from detectors.layout import Column, Kind
from detectors.profile import Profile, profile_rows
from detectors.reference import Reference
from detectors.service import Service

MINUTE = 60_000_000
COLUMNS = (Column("bytes", Kind.NUMERIC),)


def log(shared: Path) -> pl.DataFrame:
    """Requests in their order, in canonical columns."""
    frame = pl.read_parquet(shared / "data/nasa_http_19950801.parquet").sort("timestamp_utc")
    return frame.select(
        pl.col("timestamp_utc").dt.epoch("us").alias("@time"),
        pl.col("status").alias("@status"),
        pl.col("bytes").cast(pl.Float64),
    )


def findings(frame: pl.DataFrame, reference: Reference, minutes: int) -> list[tuple[str, Result]]:
    """Drift of the default rule in windows of so many minutes, with the time at which each window begins."""
    length, found, history = minutes * MINUTE, [], list[Profile]()
    first, last = (int(frame["@time"][i]) // length * length for i in (0, -1))
    for start in range(first, last + 3 * length, length):
        rows = frame.filter(pl.col("@time").is_between(start, start + length, closed="left"))
        profile = profile_rows(reference.layout, rows) if rows.height else Profile.empty(reference.layout)
        expected = (reference.rate_per_second or 0.0) * length / 1e6
        view = Window(profile, tuple(history), start, start + length, min_rows=30, expected_rows=expected)
        results = Service().test(reference, view)
        clock = f"{start // (60 * MINUTE) % 24:02d}:{start // MINUTE % 60:02d}"
        found += [(clock, r) for r in results if r.verdict is Verdict.DRIFT]
        history = [profile, *history][:7]
    return found


@pytest.mark.parametrize(
    ("minutes", "burst", "silence"),
    [(60, {"07:00"}, {"19:00", "20:00"}), (30, {"07:00", "07:30"}, {"19:00", "19:30"}),
     (10, {"07:20", "07:30"}, {"19:00", "19:10"})],
)  # fmt: skip
def test_the_burst_and_the_outage_are_found_and_nothing_else(
    shared: Path, minutes: int, burst: set[str], silence: set[str]
) -> None:
    """404 answers between 7:02 and 7:54, silence from 18:52 on; a rate that grows fourfold by day is no finding."""
    frame = log(shared)
    hour = frame["@time"] // (60 * MINUTE) % 24
    reference = Reference.fit(frame.filter(hour.is_between(8, 13)), COLUMNS)
    found = findings(frame, reference, minutes)
    assert burst == {clock for clock, result in found if result.column == "client_error_ratio"}
    assert silence == {clock for clock, result in found if result.column == "request_rate"}
    assert len(found) == len(burst) + len(silence)
