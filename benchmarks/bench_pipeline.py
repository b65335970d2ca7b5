"""Rows a second through the whole pipeline, and what a row costs in memory; NDJSON, CSV and Parquet, 25 features.

    python benchmarks/bench_pipeline.py [--rows 1000000] [--parquet-rows 10000000] [--json PATH]

Each format is replayed by a process of its own, as `driftd replay` does it: files, decoding, panes of one minute,
windows of one hour, the default tests, alerts. The reference has 50,000 rows. A second figure is the source and the
decoding alone. Memory: resident memory after the run less that after a tenth of the rows, by row; and the highest.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

from detectors.reference import Reference
from monitor.cli import surroundings
from monitor.decode.decoder import Decoder
from monitor.memory import tune_memory
from monitor.referencing import load_reference
from monitor.replay import Replay
from monitor.settings.load import load

NUMBERS, TEXTS, VALUES = 20, 5, 20
START = 1_700_000_000_000
ROWS_PER_SECOND = 100
REFERENCE_ROWS = 50_000
BLOCK = 100_000
TARGETS = {"ndjson": 300_000, "parquet": 3_000_000}

CONFIG = """
state: {folder}/driftd.state
sinks: []
monitors:
  - name: bench
    source: {{type: files, path: "{path}"}}
    records: {records}
    reference: {{type: file, path: "{folder}/reference.driftref"}}
    windows: [{{length: 1h}}]
"""
NESTED = (
    "{id: $.id, timestamp: $.timestamp, version: $.model_version, features: $.inputs, prediction: $.outputs.y_pred, "
    "score: $.outputs.score, latency: {path: $.latency_ms, unit: ms}, status: $.status}"
)
FLAT = (
    "{id: $.id, timestamp: $.timestamp, version: $.model_version, prediction: $.y_pred, score: $.score, "
    "latency: {path: $.latency_ms, unit: ms}, status: $.status}"
)


def rows(first: int, n: int) -> pl.DataFrame:
    """Seeded rows of a serving log, flat."""
    rng = np.random.default_rng(first)
    names = pl.Series([f"value_{j}" for j in range(VALUES)])
    columns: dict[str, Any] = {
        "id": [f"r-{i:09d}" for i in range(first, first + n)],
        "timestamp": START + np.arange(first, first + n) * (1000 // ROWS_PER_SECOND),
        "model_version": ["v1"] * n,
    }
    for i in range(NUMBERS):
        columns[f"feature_{i}"] = rng.normal(i, 1 + i, n).round(6)
    for i in range(TEXTS):
        columns[f"cat_{i}"] = names.gather(rng.integers(0, VALUES, n))
    columns |= {"y_pred": rng.integers(0, 2, n), "score": rng.random(n).round(6)}
    columns |= {"latency_ms": rng.lognormal(2.5, 0.5, n).round(3), "status": np.full(n, 200)}
    return pl.DataFrame(columns)


def write_ndjson(path: Path, total: int) -> None:
    """The rows as a serving process writes them: inputs and outputs in objects of their own."""
    with path.open("wb") as out:
        for first in range(0, total, BLOCK):
            for row in rows(first, min(BLOCK, total - first)).iter_rows(named=True):
                inputs = {k: v for k, v in row.items() if k.startswith(("feature_", "cat_"))}
                outputs = {"y_pred": row["y_pred"], "score": row["score"]}
                record = {k: row[k] for k in ("id", "timestamp", "model_version")}
                record |= {
                    "inputs": inputs,
                    "outputs": outputs,
                    "latency_ms": row["latency_ms"],
                    "status": row["status"],
                }
                out.write(orjson.dumps(record) + b"\n")


def write_tables(folder: Path, suffix: str, total: int) -> None:
    """The rows as flat files of a million rows."""
    for part, first in enumerate(range(0, total, 10 * BLOCK)):
        count = min(10 * BLOCK, total - first)
        frame = pl.concat(
            [rows(at, min(BLOCK, first + count - at)) for at in range(first, first + count, BLOCK)]
        )
        path = folder / f"part-{part:03d}.{suffix}"
        if suffix == "csv":
            frame.write_csv(path)
        else:
            frame.write_parquet(path, row_group_size=BLOCK)


def write_reference(folder: Path, path: str, records: str) -> None:
    """A reference of the first rows, fitted as `driftd reference build` does it."""
    (folder / "reference.parquet").unlink(missing_ok=True)
    rows(0, REFERENCE_ROWS).write_parquet(folder / "reference.parquet")
    text = CONFIG.format(folder=folder, path=path, records=records).replace(
        "reference.driftref", "reference.parquet"
    )
    config = folder / "driftd.yaml"
    config.write_text(text)
    monitor = load(config).settings.monitors[0]
    reference: Reference = load_reference(folder / "reference.parquet", monitor.records)
    (folder / "reference.driftref").write_bytes(reference.to_bytes())
    config.write_text(CONFIG.format(folder=folder, path=path, records=records))


def replay(config: Path) -> dict[str, float]:
    """One replay in this process, and one pass over source and decoder alone."""
    settings = load(config).settings
    memory: list[tuple[float, int]] = []

    def progress(read: int, total: int) -> None:
        memory.append((read / max(total, 1), resident()))

    started, processor = time.perf_counter(), time.process_time()
    summary = Replay(settings, lambda _line: None, progress).run()
    seconds, processor = time.perf_counter() - started, time.process_time() - processor
    accepted = sum(summary["records"].values())
    early = next(bytes_ for share, bytes_ in memory if share >= 0.1)
    monitor = settings.monitors[0]
    columns = Reference.from_bytes(Path(monitor.reference.path).read_bytes()).layout.columns
    stream = monitor.source.once().open(Decoder(monitor.records, columns))
    started, decoded = time.perf_counter(), 0
    while (batch := stream.poll(0.0)) is not None:
        decoded += batch.frame.height
    alone = time.perf_counter() - started
    stream.close()
    return {
        "rows": accepted,
        "rows_per_second": accepted / seconds,
        "processor_us_per_row": processor / accepted * 1e6,
        "decoded_rows_per_second": decoded / alone,
        "bytes_per_row": (memory[-1][1] - early) / (0.9 * accepted),
        "highest_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "windows": summary["windows"],
    }


def resident() -> int:
    """Resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@cache
def with_bytecode(folder: Path, *modules: str) -> dict[str, str]:
    """The environment of a process whose modules are compiled already, as those of an installed package are.

    Args:
        folder: where the compiled modules go.
        modules: that the process will import.
    """
    cache = {"PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
    environment = {**os.environ, **cache}
    environment.pop("_RJEM_MALLOC_CONF", None)  # polars has put it there for itself when it was imported here
    subprocess.run([sys.executable, "-c", f"import {', '.join(modules)}"], check=True, env=environment)
    return environment


def run(name: str, folder: Path, total: int) -> dict[str, float]:
    """Write a format's files and replay them in a new process."""
    data = folder / name
    data.mkdir()
    if name == "ndjson":
        write_ndjson(data / "log.ndjson", total)
    else:
        write_tables(data, name, total)
    write_reference(folder, f"{data}/*", NESTED if name == "ndjson" else FLAT)
    arguments = [sys.executable, __file__, "--replay", str(folder / "driftd.yaml")]
    done = subprocess.run(
        arguments, check=True, capture_output=True, text=True, env={**os.environ, **surroundings(["replay"])}
    )
    for file in data.iterdir():
        file.unlink()
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--parquet-rows", type=int, default=10_000_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--replay", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.replay:
        tune_memory()
        print(json.dumps(replay(options.replay)))
        return
    counts = {"ndjson": options.rows, "csv": options.rows, "parquet": options.parquet_rows}
    with tempfile.TemporaryDirectory() as folder:
        found = {name: run(name, Path(folder), total) for name, total in counts.items()}
    head = ("format", "rows", "rows/s", "target", "us/row CPU", "decode rows/s", "B/row", "MB")
    print("{:8} {:>10} {:>12} {:>10} {:>11} {:>14} {:>7} {:>5}".format(*head))
    for name, one in found.items():
        target = TARGETS.get(name, "")
        print(
            f"{name:8} {one['rows']:>10,.0f} {one['rows_per_second']:>12,.0f} {target!s:>10} "
            f"{one['processor_us_per_row']:>11.2f} {one['decoded_rows_per_second']:>14,.0f} "
            f"{one['bytes_per_row']:>7.2f} {one['highest_mb']:>5.0f}"
        )
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
