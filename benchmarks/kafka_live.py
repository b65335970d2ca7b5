"""The daemon on a live topic: how soon `/metrics` counts a message, and how soon it reads again after an outage."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from bench_daemon import processor_seconds
from bench_pipeline import with_bytecode
from confluent_kafka import Producer
from kafka_topic import PARTITIONS, create, messages
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from tests.brokers.apache import Apache
from tests.brokers.process import free_ports

RATE = 1000
MANY = 64
"""Partitions, as topics of a large cluster have them."""

TICK_SECONDS = 0.02
LOOK_SECONDS = 0.02
AWAY_SECONDS = 10.0
RECONNECT_MS = 100
PATIENCE_SECONDS = 60.0
_ACCEPTED = re.compile(rb'^driftd_records_total\{[^}]*outcome="accepted"[^}]*\} (\S+)$', re.MULTILINE)


class Daemon:
    """`driftd run` as a process."""

    def __init__(self, config: Path, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/metrics"
        self._web = PoolManager(retries=False, timeout=2.0)
        self.log = config.with_suffix(".log")
        with self.log.open("wb") as log:
            program = Path(sys.executable).with_name("driftd")
            self.process = subprocess.Popen(
                [str(program), "run", "--config", str(config)],
                stdout=log,
                stderr=log,
                env=with_bytecode(config.parent, "monitor.cli.application", "monitor.daemon"),
            )

    def counted(self) -> int:
        """Rows that `/metrics` has; 0 while it does not answer."""
        try:
            found = _ACCEPTED.findall(self._web.request("GET", self._url).data)
        except HTTPError:
            return 0
        return int(sum(float(value) for value in found))

    def stop(self) -> None:
        """End it in its own way."""
        self.process.terminate()
        self.process.wait(30)


class Feed(threading.Thread):
    """Writes messages at a steady rate with the time of now; remembers when each was handed to the producer.

    Attributes:
        times: monotonic seconds of each message.
    """

    def __init__(self, address: str, topic: str, partitions: int = PARTITIONS) -> None:
        super().__init__(daemon=True)
        self._partitions = partitions
        options = {"bootstrap.servers": address, "linger.ms": 5, "log_level": 0}
        # or it would be away for up to ten seconds more than its broker
        self._producer = Producer({**options, "reconnect.backoff.max.ms": RECONNECT_MS})
        self._topic = topic
        self._values = messages(0, 20_000)
        self._end = threading.Event()
        self.times: list[float] = []

    def run(self) -> None:
        """Write until `end`."""
        began = time.monotonic()
        while not self._end.wait(TICK_SECONDS):
            due = int((time.monotonic() - began) * RATE) - len(self.times)
            for _ in range(due):
                self._write()
            self._producer.poll(0)

    def _write(self) -> None:
        number = len(self.times)
        now = b'"timestamp":%d,' % round(time.time() * 1000)
        value = re.sub(rb'"timestamp":\d+,', now, self._values[number % len(self._values)], count=1)
        self.times.append(time.monotonic())
        self._producer.produce(self._topic, value, partition=number % self._partitions)

    def end(self) -> None:
        """Write no more."""
        self._end.set()
        self.join()
        self._producer.flush(10)


def wait(what: Callable[[], bool]) -> float:
    """Seconds until something holds.

    Raises:
        RuntimeError: it never did.
    """
    began = time.monotonic()
    while not what():
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise RuntimeError("waited in vain")
        time.sleep(LOOK_SECONDS)
    return time.monotonic() - began


def delays(daemon: Daemon, feed: Feed, seconds: float) -> list[float]:
    """Seconds from handing over to being counted, of each message of a stretch of time."""
    first = done = daemon.counted()
    found: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        counted, now = daemon.counted(), time.monotonic()
        found += [now - moment for moment in feed.times[done:counted]]
        done = max(done, counted)
        time.sleep(LOOK_SECONDS)
    if done == first:
        raise RuntimeError("nothing was counted")
    return found


def recovery(daemon: Daemon, feed: Feed, broker: Apache) -> float:
    """Seconds from the broker's answering again until a message that was written after it is counted."""
    broker.kill()
    time.sleep(AWAY_SECONDS)
    broker.start()
    began, next_one = time.monotonic(), len(feed.times)
    wait(lambda: daemon.counted() > next_one)
    return time.monotonic() - began


@contextmanager
def watching(
    configure: Callable[[int, str], Path], broker: Apache, topic: str, partitions: int
) -> Iterator[tuple[Daemon, Feed]]:
    """A daemon that has caught up with a topic to which messages are written."""
    (port,) = free_ports(1)
    create(broker.address, topic, partitions)
    daemon, feed = Daemon(configure(port, topic), port), Feed(broker.address, topic, partitions)
    try:
        feed.start()
        wait(lambda: daemon.counted() > 0)
        wait(lambda: len(feed.times) - daemon.counted() < 2 * RATE)
        yield daemon, feed
    except RuntimeError as error:
        raise RuntimeError(f"{error}: {daemon.log.read_text()[-2000:]}") from error
    finally:
        feed.end()
        daemon.stop()


def busy(daemon: Daemon, seconds: float) -> float:
    """Share of a core that the daemon takes in a stretch of time in which nobody asks it for anything."""
    before, began = processor_seconds(daemon.process.pid), time.monotonic()
    time.sleep(seconds)
    return (processor_seconds(daemon.process.pid) - before) / (time.monotonic() - began)


def live(configure: Callable[[int, str], Path], broker: Apache, seconds: float) -> dict[str, Any]:
    """Latency, recovery, and what a steady stream takes of a core, over few partitions and over many.

    Args:
        configure: writes the configuration for a port and a topic.
        broker: to be killed and started again.
        seconds: of measuring the latency.
    """
    with watching(configure, broker, "live", PARTITIONS) as (daemon, feed):
        share = busy(daemon, seconds)
        found = delays(daemon, feed, seconds)
        back = recovery(daemon, feed, broker)
    with watching(configure, broker, "live-many", MANY) as (daemon, feed):
        many = busy(daemon, seconds)
        found_many = delays(daemon, feed, seconds)
    p50, p99 = np.quantile(found, [0.5, 0.99])
    return {
        "messages": len(found),
        "latency_p50_seconds": float(p50),
        "latency_p99_seconds": float(p99),
        "recovery_seconds": back,
        "processor_share": share,
        "many_latency_p99_seconds": float(np.quantile(found_many, 0.99)),
        "many_processor_share": many,
    }
