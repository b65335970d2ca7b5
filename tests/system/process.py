"""The real daemon as a child process, and what its state file says."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import polars as pl

from tests.brokers.process import guard

RUN = (sys.executable, "-c", "import sys; from monitor.cli import main; sys.exit(main())")


def driftd(*arguments: str, log: Path) -> subprocess.Popen[bytes]:
    """Start a command of driftd; its output is added to a file. On SIGABRT it writes what its threads do."""
    environment = {**os.environ, "PYTHONFAULTHANDLER": "1"}
    with log.open("ab") as out:
        return subprocess.Popen(
            [*guard(), *RUN, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment
        )


def runs_on(process: subprocess.Popen[bytes], seconds: float = 0.01) -> bool:
    """Whether a process still runs after so many seconds; returns as soon as it has ended."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def write_log(path: Path, rows: int, seed: int, *, break_at: int | None = None) -> None:
    """Requests of a model, one a second: from row `break_at` on the amounts are larger and predictions worse."""
    rng = np.random.default_rng(seed)
    broken = np.arange(rows) >= (rows if break_at is None else break_at)
    right = rng.random(rows) < np.where(broken, 0.7, 0.95)
    score = rng.random(rows)
    label = np.where(right, score > 0.5, score <= 0.5).astype(int)
    frame = pl.DataFrame(
        {
            "id": [f"r{i}" for i in range(rows)],
            "timestamp": 1_700_000_000 + np.arange(rows),
            "version": np.where(np.arange(rows) % 4 == 0, "v2", "v1"),
            "amount": rng.normal(100, 20, rows) * np.where(broken, 1.5, 1.0),
            "region": rng.choice(["eu", "us", "asia"], rows, p=[0.5, 0.3, 0.2]),
            "prediction": (score > 0.5).astype(int),
            "score": score,
            "label": label,
            "latency_ms": rng.lognormal(3, 0.5, rows),
            "status": rng.choice([200, 500], rows, p=[0.99, 0.01]),
        }
    )
    frame.write_ndjson(path)


@dataclass
class Receiver:
    """A webhook receiver on loopback that takes everything and remembers the ids.

    Attributes:
        calls: how often each id came. bodies: the different bodies of each id.
    """

    calls: Counter[str] = field(default_factory=Counter)
    bodies: dict[str, set[str]] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    return  # the sender was killed between its head and its body: that is no call
                with receiver.changed:
                    key = self.headers["webhook-id"]
                    receiver.calls[key] += 1
                    receiver.bodies.setdefault(key, set()).add(body.decode())
                    receiver.changed.notify_all()
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def query(state: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a state file, read beside the daemon; none before it has made its tables."""
    try:
        with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(sql).fetchall()
    except sqlite3.OperationalError:
        return []


def counted(state: Path) -> int:
    """Rows with an outcome in the state file."""
    return sum(rows for (rows,) in query(state, "SELECT rows FROM counts"))


def findings(state: Path) -> dict[str, Any]:
    """Everything that must not depend on how often the daemon was killed."""
    windows = query(
        state,
        'SELECT monitor, version, segment, name, start, "end", rows, verdict, results FROM windows '
        "ORDER BY 1, 2, 3, 4, 5",
    )
    return {
        "counts": sorted(query(state, "SELECT monitor, outcome, rows FROM counts")),
        "windows": [(*window[:-1], json.loads(window[-1])) for window in windows],
        "transitions": same_links(query(state, "SELECT fingerprint, state, at, value FROM transitions")),
        "messages": same_links(query(state, "SELECT id, destination, body FROM outbox")),
        "runs": sorted(query(state, "SELECT id, monitor, causes, requested_at FROM retraining_runs")),
    }


def same_links(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows with the port taken out of the links in their last field: it is another one in each run."""
    return sorted((*row[:-1], re.sub(r"127\.0\.0\.1:[0-9]+", "here", row[-1])) for row in rows)
