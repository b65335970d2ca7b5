"""The daemon as a process: start to ready, memory over millions of rows, processor time when idle.

    python benchmarks/bench_daemon.py [--rows 10000000] [--features 50] [--json PATH]

Writes Parquet files of seeded rows to a temporary folder, starts `driftd run` on them six times, samples the last one's
resident memory while it reads them, and its processor time while it waits for more. Bytecode is there before the daemon
starts, as after an installation with pip and in the image.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import polars as pl
from bench_pipeline import with_bytecode

ROWS_PER_FILE = 100_000
START = 1_700_000_000
PORT = 19465
STARTS = 5
"""Starts beside that of the run that is measured; the first ones read from a cold cache."""

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

CONFIG = """
state: {folder}/driftd.state
http: {{port: {port}}}
monitors:
  - name: bench
    source: {{type: files, path: {folder}/log/*.parquet, poll_interval: 0.5s}}
    records: {{timestamp: $.time, features: "$.*"}}
    reference: {{type: file, path: {folder}/reference.driftref}}
    windows: [{{length: 1h}}]
"""


def rows(n: int, features: int, seed: int, start: int) -> pl.DataFrame:
    """Seeded rows, ten a second: four fifths numbers, the others categories of 20 values."""
    rng = np.random.default_rng(seed)
    numeric = features * 4 // 5
    columns: dict[str, Any] = {"time": start + np.arange(n) // 10}
    for i in range(numeric):
        columns[f"n{i}"] = rng.normal(i, 1 + i, n).astype(np.float32)
    names = np.array([f"c{j}" for j in range(20)])
    for i in range(features - numeric):
        columns[f"k{i}"] = names[rng.integers(0, 20, n)]
    return pl.DataFrame(columns)


def write_data(folder: Path, total: int, features: int) -> None:
    """The reference and the log, one file each 100,000 rows; values repeat, times go on."""
    (folder / "log").mkdir()
    data = folder / "reference.parquet"
    rows(ROWS_PER_FILE, features, 0, START - ROWS_PER_FILE // 10).write_parquet(data)
    command = ["driftd", "reference", "build", str(data), "--timestamp", "time"]
    subprocess.run(
        [*command, "--output", str(folder / "reference.driftref")], check=True, stdout=subprocess.DEVNULL
    )
    base = rows(ROWS_PER_FILE, features, 1, START)
    for i in range(total // ROWS_PER_FILE):
        part = base.with_columns(pl.col("time") + i * ROWS_PER_FILE // 10)
        part.write_parquet(folder / "log" / f"{i:05d}.parquet", compression="lz4")


def resident_bytes(pid: int) -> int:
    """Resident memory of a process, bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def counted(state: Path) -> int:
    """Rows that the state file knows."""
    try:
        with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT coalesce(sum(rows), 0) FROM counts").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def ready() -> bool:
    """Whether /readyz answers 200."""
    try:
        with urlopen(f"http://127.0.0.1:{PORT}/readyz", timeout=1) as answer:
            return answer.status == 200
    except (URLError, ConnectionError, TimeoutError):
        return False


def watch(process: subprocess.Popen[bytes], state: Path, total: int) -> list[tuple[float, int, int]]:
    """(seconds, rows counted, resident bytes), twice a second, until all rows are counted."""
    began, samples = time.perf_counter(), []
    done = 0
    while done < total and process.poll() is None:
        time.sleep(0.5)
        done = counted(state)
        samples.append((time.perf_counter() - began, done, resident_bytes(process.pid)))
    return samples


@contextmanager
def daemon(folder: Path, environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """The daemon, when it is ready, and how many seconds that took."""
    began = time.perf_counter()
    with (folder / "log.txt").open("wb") as log:
        command = ["driftd", "run", "--config", str(folder / "driftd.yaml")]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        while not ready():
            if process.poll() is not None:
                sys.exit((folder / "log.txt").read_text()[-3000:])
            time.sleep(0.01)
        yield process, time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def measure(folder: Path, total: int, features: int, idle_seconds: float) -> dict[str, Any]:
    """Some starts, and one run of the daemon."""
    write_data(folder, total, features)
    environment = with_bytecode(folder, "monitor.cli.application", "monitor.daemon")
    (folder / "driftd.yaml").write_text(CONFIG.format(folder=folder, port=PORT))
    starts = []
    for _ in range(STARTS):
        with daemon(folder, environment) as (_, seconds):
            starts.append(seconds)
        for file in folder.glob("driftd.state*"):
            file.unlink()
    with daemon(folder, environment) as (process, seconds):
        samples = watch(process, folder / "driftd.state", total)
        used = processor_seconds(process.pid)
        time.sleep(idle_seconds)
        idle = (processor_seconds(process.pid) - used) / idle_seconds
    return summary(samples, [*starts, seconds], idle)


def summary(samples: list[tuple[float, int, int]], starts: list[float], idle: float) -> dict[str, Any]:
    """Figures of a run."""
    memory = [resident for _, done, resident in samples if done]
    tenth = max(1, len(memory) // 10)
    first, last = float(np.median(memory[:tenth])), float(np.median(memory[-tenth:]))
    seconds, done, _ = samples[-1]
    return {
        "rows": done,
        "seconds": seconds,
        "rows_per_second": done / seconds,
        "start_to_ready_seconds": float(np.median(starts)),
        "slowest_start_seconds": max(starts),
        "resident_first_mb": first / 1e6,
        "resident_last_mb": last / 1e6,
        "resident_max_mb": max(memory) / 1e6,
        "growth_ratio": last / first - 1.0,
        "idle_cpu_ratio": idle,
        "samples": [
            [round(s, 1), n, round(r / 1e6, 1)] for s, n, r in samples[:: max(1, len(samples) // 50)]
        ],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--idle-seconds", type=float, default=30.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="driftd-bench-"))
    try:
        figures = measure(folder, options.rows, options.features, options.idle_seconds)
    finally:
        shutil.rmtree(folder)
    for name, value in figures.items():
        if name != "samples":
            print(f"{name:26} {value:12.4g}")
    if options.json:
        options.json.write_text(json.dumps({"benchmark": "daemon", **figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
