"""The demo's serving process: appends what it answered to a growing log or to topics, in bursts, and ends.

`python -m monitor.demo.serving --log LOG --seconds 12` plays months of requests in that time. It knows nothing of
driftd.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from monitor.demo.loans import loans, log_lines
from monitor.demo.topics import LogFile, Topics

Log = LogFile | Topics

BURSTS_PER_SECOND = 20


def bursts(rows: int, count: int, *, seed: int) -> Iterator[tuple[int, int]]:
    """Cut rows into bursts of uneven size: (start, end) of each; none is empty.

    >>> list(bursts(10, 1, seed=0))
    [(0, 10)]
    """
    draw = random.Random(seed)  # noqa: S311 - sizes of bursts, not a secret
    weights = [draw.uniform(0.2, 1.8) for _ in range(count)]
    start, passed, total = 0, 0.0, sum(weights)
    for weight in weights:
        passed += weight
        end = round(rows * passed / total)
        if end > start:
            yield start, end
        start = end


def serve(log: Log, *, seconds: float, seed: int) -> None:
    """Write the log; stops early when the program that started it is gone."""
    lines = log_lines(loans("requests"), seed=seed)
    parent, began = os.getppid(), time.monotonic()
    try:
        for start, end in bursts(len(lines), max(1, round(seconds * BURSTS_PER_SECOND)), seed=seed):
            due = began + seconds * end / len(lines)
            time.sleep(max(0.0, due - time.monotonic()))
            if os.getppid() != parent:
                return
            log.write(lines[start:end])
    finally:
        log.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--log", type=Path, help="a file that grows")
    where.add_argument("--kafka", type=int, metavar="PORT", help="a broker on this port of loopback")
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    log: Log = LogFile(options.log) if options.log else Topics(options.kafka)
    serve(log, seconds=options.seconds, seed=options.seed)


if __name__ == "__main__":
    main()
