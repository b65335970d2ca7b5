"""Pairs of a request and a response that are joined in a second, and what a commit costs while halves wait.

    python benchmarks/bench_join.py [--json PATH] [--pairs 400000]

One core, seeded: requests of 25 features (about 560 bytes) with 32 bytes of key, responses of 40 bytes, shuffled among
their neighbours, in blocks of 4,000 messages. `joined`: push, join and put together, without decoding. `commit`: the
state is written while 10,000 new halves wait, beside 100,000 others.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent)]
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402 - numbers of threads are read at import

from monitor.sources.joining.join import Join  # noqa: E402
from monitor.sources.joining.options import JoinOptions  # noqa: E402
from monitor.sources.kafka.messages import Messages  # noqa: E402
from monitor.state import State  # noqa: E402

BLOCK = 4_000
NEIGHBOURS = 500
STEP = 20
"""Microseconds of record time between two requests."""

LATENCY = 50_000
START = 1_700_000_000_000_000
BEHIND = ("requests/0", "responses/0")
TARGETS = {"pairs_per_second": 150_000.0, "commit_ms": 200.0}
OPTIONS = JoinOptions.model_validate({"request": {"topic": "requests"}, "response": {"topic": "responses"}})


def messages(topic: str, ids: np.ndarray, first: int, value: bytes, late: int) -> Messages:
    """One block of a topic with the ids as keys."""
    n = len(ids)
    keys = b"".join(b"%032d" % i for i in ids.tolist())
    starts = np.arange(n) * len(value) + len(keys)
    none = np.zeros(n, np.int64)
    times = START + np.arange(first, first + n) * STEP + late
    return Messages(
        *(topic, 0, keys + value * n, starts, starts + len(value), np.arange(first, first + n), times),
        *(np.arange(n) * 32, np.arange(n) * 32 + 32, none, none, none, first + n),
    )


def blocks(pairs: int) -> list[Messages]:
    """Requests and responses in turn."""
    rng = np.random.default_rng(0)
    request = json.dumps({f"feature_{i}": round(rng.normal(), 6) for i in range(25)}).encode()
    response = b'{"score": 0.123456, "version": "v1.2.3"}'
    found = []
    for first in range(0, pairs, BLOCK):
        ids = np.arange(first, first + BLOCK)
        mixed = ids[np.argsort(np.arange(BLOCK) + rng.integers(0, NEIGHBOURS, BLOCK), kind="stable")]
        found.append(messages("requests", ids, first, request, 0))
        found.append(messages("responses", mixed, first, response, LATENCY))
    return found


def joined(pairs: int) -> float:
    """Pairs in a second of CPU time."""
    parts, rows = blocks(pairs), 0
    join = Join(OPTIONS, beside=False)
    began = time.process_time()
    for part in parts:
        join.push(part)
        while (block := join.next(BEHIND)) is not None:
            rows += len(block.messages)
    while (block := join.next(())) is not None:
        rows += len(block.messages)
    took = time.process_time() - began
    assert rows == pairs
    return pairs / took


def commit() -> float:
    """Milliseconds of a commit, the median of ten."""
    join, new = Join(OPTIONS, beside=False), 10_000
    value = b'{"a": 1.25, "b": 2.5, "c": "text", "d": [1, 2, 3]}' * 10
    value = b'{"fill": "' + value.hex().encode()[:520] + b'"}'
    took = []
    with tempfile.TemporaryDirectory() as folder, State.open(Path(folder) / "driftd.state") as state:
        for k in range(20):
            join.push(messages("requests", np.arange(k * new, (k + 1) * new), k * new, value, 0))
            while join.next(("requests/0",)) is not None:
                pass
            began = time.perf_counter()
            with state.transaction():
                join.save(state.source_items.of("m"))
            took.append(time.perf_counter() - began)
    return float(np.median(took[10:])) * 1000


def main() -> int:
    """Measure, print, and say whether the targets are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pairs", type=int, default=400_000)
    arguments = parser.parse_args()
    joined(10 * BLOCK)
    found = {"pairs_per_second": joined(arguments.pairs), "commit_ms": commit()}
    print(json.dumps({"measured": found, "targets": TARGETS}, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(found), "utf-8")
    return 0 if found["pairs_per_second"] >= TARGETS["pairs_per_second"] else 1


if __name__ == "__main__":
    sys.exit(main())
