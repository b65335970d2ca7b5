"""Cost of a window: the pass over its rows, and every test on its profile; beside the peers' on the same files.

    python benchmarks/bench_profile.py [--json PATH] [--rows 1000000] [--peers DIRECTORY]

One core, seeded. 50 columns: 40 numbers (normal, log-normal, uniform, whole, normal with 5 % nulls) and 10 text columns
of 20 values. With `--peers` (see `peers.py`) each peer gets the same rows as Parquet, read before its clock starts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402 - numbers of threads are read at import
import polars as pl  # noqa: E402
from peers import PEERS, python_of  # noqa: E402

from detectors.base import Result, Window  # noqa: E402
from detectors.builtin import WINDOW_TESTS  # noqa: E402
from detectors.layout import Column, Kind  # noqa: E402
from detectors.profile import Profile, profile_rows  # noqa: E402
from detectors.reference import Reference  # noqa: E402

NUMBERS, TEXTS, VALUES = 40, 10, 20
REFERENCE_ROWS = 100_000
SMALL = 10_000
HISTORY = 7
"""Windows before, as a daemon keeps them."""

TARGETS = {
    "nanoseconds_per_value": 5.0,
    "evaluation_ms": 5.0,
    "evidently": 300.0,
    "fastest_other": 15.0,
    "nannyml_10k": 10.0,
}


def table(rows: int, seed: int) -> pl.DataFrame:
    """Seeded rows of the workload."""
    rng = np.random.default_rng(seed)
    kinds = (
        lambda: rng.normal(size=rows),
        lambda: rng.lognormal(size=rows),
        lambda: rng.random(rows),
        lambda: rng.integers(18, 90, rows).astype(np.float64),
        lambda: rng.normal(size=rows),
    )
    frame = pl.DataFrame({f"n{i}": kinds[i % 5]() for i in range(NUMBERS)})
    holes = pl.Series(rng.random(rows) < 0.05)
    gaps = [pl.when(holes).then(None).otherwise(pl.col(f"n{i}")).alias(f"n{i}") for i in range(4, NUMBERS, 5)]
    words = pl.Series([f"value_{i}" for i in range(VALUES)])
    texts = [words.gather(rng.integers(0, VALUES, rows)).alias(f"c{i}") for i in range(TEXTS)]
    return frame.with_columns(*gaps, *texts)


def columns() -> list[Column]:
    """The modelled columns."""
    numbers = [Column(f"n{i}", Kind.NUMERIC) for i in range(NUMBERS)]
    return numbers + [Column(f"c{i}", Kind.CATEGORICAL) for i in range(TEXTS)]


def numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """With the running numbers that choose the sample."""
    return frame.with_columns(pl.int_range(frame.height, dtype=pl.UInt64).alias("@ordinal"))


def best(work: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest of some runs: what the work costs where nothing else disturbs it."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


TESTS = [test() for test in WINDOW_TESTS]


def evaluate(reference: Reference, profile: Profile, history: tuple[Profile, ...] = ()) -> list[Result]:
    """All built-in tests with their defaults, on a window that none of them has seen."""
    window = Window(profile, history, min_rows=100)
    return [result for test in TESTS for result in test.test(reference, window)]


def by_test(reference: Reference, profile: Profile, repeats: int) -> dict[str, float]:
    """Milliseconds of each test in its turn: what it shares with later ones is the first one's."""
    seconds = {str(test.model_dump()["type"]): np.inf for test in TESTS}
    for _ in range(repeats):
        window = Window(profile, min_rows=100)
        for name, test in zip(seconds, TESTS, strict=True):
            seconds[name] = min(seconds[name], best(partial(test.test, reference, window), 1))
    return {name: round(1e3 * spent, 3) for name, spent in seconds.items()}


def measure(rows: int, repeats: int) -> dict[str, object]:
    """Figures of the pass and of the tests."""
    started = time.perf_counter()
    reference = Reference.fit(numbered(table(REFERENCE_ROWS, 0)), columns())
    fit = time.perf_counter() - started
    frame = numbered(table(rows, 1))
    profile = profile_rows(reference.layout, frame)
    assert evaluate(reference, profile)
    spent = best(lambda: profile_rows(reference.layout, frame), repeats)
    judged = best(lambda: evaluate(reference, profile), repeats * 3)
    small = frame.head(SMALL)
    window = best(lambda: evaluate(reference, profile_rows(reference.layout, small)), repeats * 5)
    closed = {n: profile_rows(reference.layout, frame.head(n)) for n in (1000, 10_000, min(rows, 1_000_000))}
    closed[rows * 10] = Profile.merge(reference.layout, [profile] * 10)
    before = tuple(profile_rows(reference.layout, frame.slice(k * 1000, 1000)) for k in range(1, HISTORY + 1))
    values = rows * (NUMBERS + TEXTS)
    return {
        "fit_seconds": round(fit, 3),
        "pass_seconds": round(spent, 4),
        "pass_nanoseconds_per_value": round(spent / values * 1e9, 3),
        "nanoseconds_per_value": round((spent + judged) / values * 1e9, 3),
        "window_seconds": round(spent + judged, 4),
        "evaluation_ms": {
            n: round(1e3 * best(partial(evaluate, reference, p), repeats * 3), 3) for n, p in closed.items()
        },
        "evaluation_with_history_ms": round(
            1e3 * best(partial(evaluate, reference, closed[1000], before), repeats * 3), 3
        ),
        "test_ms": by_test(reference, profile, repeats * 3),
        "small_window_ms": round(1e3 * window, 3),
        "profile_bytes": len(profile.to_bytes()),
        "profile_bytes_without_sample": len(profile.without_sample().to_bytes()),
        "slots": reference.layout.slots,
    }


def yardstick() -> dict[str, float]:
    """What this machine does at this moment, in nanoseconds a value: to compare runs with each other."""
    values = np.random.default_rng(0).normal(size=4_000_000)
    codes = np.random.default_rng(1).integers(0, 256, values.size)
    work = {
        "sum": values.sum,
        "bincount": lambda: np.bincount(codes, minlength=256),
        "searchsorted": lambda: np.searchsorted(np.linspace(-4, 4, 257), values[:200_000]),
    }
    sizes = {"sum": values.size, "bincount": values.size, "searchsorted": 200_000}
    return {name: round(best(job, 3) / sizes[name] * 1e9, 2) for name, job in work.items()}


def run_peers(directory: Path, rows: int) -> dict[str, dict[int, dict[str, float]]]:
    """What each peer that is installed takes for the whole window and for one of 10,000 rows."""
    found: dict[str, dict[int, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        reference = Path(folder) / "reference.parquet"
        table(REFERENCE_ROWS, 0).write_parquet(reference)
        frame = table(rows, 1)
        for size in (SMALL, rows):
            stream, jobs = Path(folder) / f"{size}.parquet", Path(folder) / "jobs.json"
            frame.head(size).write_parquet(stream)
            repeat = 3 if size == SMALL else 1
            job = {"reference": str(reference), "stream": str(stream), "window": size, "repeat": repeat}
            jobs.write_text(json.dumps([job]))
            for name in PEERS:
                if name != "river" and python_of(directory, name).exists():
                    seconds = peer_seconds(directory, name, jobs)
                    if seconds is not None:
                        found.setdefault(name, {})[size] = seconds
    return found


def peer_seconds(directory: Path, name: str, jobs: Path) -> dict[str, float] | None:
    """One peer's own clock: for the window, and for its imports and the reference before it; None where it fails."""
    command = [
        str(python_of(directory, name)),
        str(Path(__file__).with_name("peer_runner.py")),
        name,
        str(jobs),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name}: {done.stderr.strip().splitlines()[-1:]}")
        return None
    (answer,) = json.loads(done.stdout)
    return {name: round(float(answer[name]), 4) for name in ("seconds", "prepare_seconds")}


def ratios(
    report: dict[str, object], peers: dict[str, dict[int, dict[str, float]]], rows: int
) -> dict[str, float]:
    """How many times longer each peer takes for the same window, its preparations left out as driftd's are."""
    own = {rows: float(str(report["window_seconds"])), SMALL: float(str(report["small_window_ms"])) / 1e3}
    return {
        f"{name} {size}": round(seconds["seconds"] / own[size], 1)
        for name, times in peers.items()
        for size, seconds in times.items()
    }


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--peers", type=Path, help="the directory that peers.py filled")
    options = parser.parse_args()
    report: dict[str, object] = {"machine_ns": yardstick(), "load": os.getloadavg()[0]}
    report |= measure(options.rows, options.repeats)
    if options.peers:
        peers = run_peers(options.peers, options.rows)
        report |= {"peer_seconds": peers, "times_faster": ratios(report, peers, options.rows)}
    report["targets"] = TARGETS
    text = json.dumps(report, indent=2)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
