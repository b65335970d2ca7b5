"""The serving process and its data."""

import json
from pathlib import Path

import orjson
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from monitor.demo.loans import BREAK_ROW, FEATURES, loans, log_lines, moment
from monitor.demo.serving import bursts, serve
from monitor.demo.topics import LogFile, halves, joined
from sinks.timestamps import rfc3339


def test_the_break_is_where_the_card_says() -> None:
    """Cars cost two thirds more from row 75,000 on, and nothing else is cut off."""
    requests, reference = loans("requests"), loans("reference")
    price = requests.group_by(pl.col("id") >= BREAK_ROW).agg(pl.col("car_value").mean()).sort("id")
    before, after = price["car_value"]
    assert after / before > 1.6
    assert abs(reference["car_value"].mean() / before - 1) < 0.02
    assert (reference.height, requests.height) == (20_000, 25_000)
    assert rfc3339(moment(BREAK_ROW)) == "2019-03-31T03:00:00Z"
    assert requests["timestamp"].is_sorted()


def test_lines_hold_the_rows() -> None:
    """Each line is a whole JSON object with the row's request, response and label; a seed gives the same lines."""
    frame = loans("requests").head(50)
    lines = log_lines(frame, seed=3)
    assert lines == log_lines(frame, seed=3)
    assert lines != log_lines(frame, seed=4)
    for line, row in zip(lines, frame.iter_rows(named=True), strict=True):
        record = json.loads(line)
        assert record["id"] == f"loan-{row['id']}"
        assert record["timestamp"] == row["timestamp"].isoformat(timespec="milliseconds") + "Z"
        assert record["inputs"] == {name: row[name] for name in FEATURES}
        assert record["outputs"] == {"y_pred": row["y_pred"], "y_pred_proba": row["y_pred_proba"]}
        assert record["repaid"] == row["repaid"]
        assert record["latency_ms"] > 0


@given(rows=st.integers(0, 500), count=st.integers(1, 100), seed=st.integers(0, 99))
def test_bursts_cover_all_rows(rows: int, count: int, seed: int) -> None:
    """Bursts follow one another without gap, overlap or empty ones."""
    cut = list(bursts(rows, count, seed=seed))
    assert [row for start, end in cut for row in range(start, end)] == list(range(rows))
    assert all(start < end for start, end in cut)


def test_the_log_is_appended_to(tmp_path: Path) -> None:
    """All requests are in the log, after what was there."""
    log = tmp_path / "serving.ndjson"
    log.write_bytes(b"{}\n")
    serve(LogFile(log), seconds=0, seed=0)
    lines = log.read_bytes().splitlines(keepends=True)
    assert lines == [b"{}\n", *log_lines(loans("requests"), seed=0)]


def test_halves_make_up_a_line() -> None:
    """Request and answer have the id and each value once; together they are what the reference holds."""
    (line,) = log_lines(loans("requests").head(1))
    key, asked, answered = halves(line)
    record, request, response = (orjson.loads(text) for text in (line, asked, answered))
    assert record == request | response
    assert {"id"} == set(request) & set(response)
    assert key.decode() == request["id"] == response["id"]
    assert {"request": request, "response": response} == orjson.loads(joined(line))
