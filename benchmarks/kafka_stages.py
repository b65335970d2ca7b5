"""One stage of the way from a Kafka topic to the state; `bench_kafka.py` runs each in a process of its own.

    python benchmarks/kafka_stages.py STAGE --config driftd.yaml --messages 1000000 [--profile]

The clock runs from the first messages to the last ones, and only what came in between is counted, so that connecting
and joining do not count. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from monitor.cli import without
from monitor.memory import tune_memory

PAUSE_SECONDS = 8.0
FETCH_BYTES = 8 * 2**20
SAMPLE_SECONDS = 0.005
CONSUMED = 500
"""Messages that confluent-kafka is asked for: by thousands its queue runs full, and it waits a second each time."""


class Tally:
    """Rows, seconds and processor seconds between the first and the last call of `add`."""

    def __init__(self, begin: Callable[[], None]) -> None:
        self._begin = begin
        self.rows = self.first = 0
        self._began = self._ended = (0.0, 0.0)

    def add(self, rows: int) -> None:
        """So many rows are done."""
        self._ended = (time.perf_counter(), time.process_time())
        if not self.rows:
            self._begin()
            self._began, self.first = self._ended, rows
        self.rows += rows

    def figures(self) -> dict[str, Any]:
        """What was measured."""
        rows = self.rows - self.first
        seconds, processor = (end - begin for begin, end in zip(self._began, self._ended, strict=True))
        return {
            "rows": self.rows,
            "rows_per_second": rows / seconds,
            "processor_seconds_per_million": processor / rows * 1e6,
            "highest_mb": highest_bytes() / 1e6,
        }


def highest_bytes() -> int:
    """The most memory that this process ever had resident; `getrusage` counts what its parent had, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def source_of(options: argparse.Namespace) -> Any:
    """The source in the configuration, and the monitor around it."""
    from monitor.settings.load import load

    return load(options.config).settings.monitors[0]


def consumer_of(options: argparse.Namespace, **changes: Any) -> Any:
    """kafka-python's consumer of all partitions."""
    from kafka import KafkaConsumer
    from kafka.structs import TopicPartition

    source = source_of(options).source
    settings = {"enable_auto_commit": False, "auto_offset_reset": "earliest", "metrics_enabled": False}
    consumer = KafkaConsumer(bootstrap_servers=source.brokers, **settings, **changes)
    topic = source.topics[0]
    consumer.assign([TopicPartition(topic, p) for p in range(4)])
    return consumer


def stock(options: argparse.Namespace, tally: Tally) -> None:
    """kafka-python as it is, polling only."""
    sizes = {"max_poll_records": 5000, "max_partition_fetch_bytes": FETCH_BYTES}
    consumer = consumer_of(options, **sizes)
    while tally.rows < options.messages:
        for records in consumer.poll(timeout_ms=500).values():
            tally.add(len(records))
    consumer.close()


def confluent(options: argparse.Namespace, tally: Tally) -> None:
    """confluent-kafka, consuming only."""
    from confluent_kafka import Consumer, TopicPartition

    source = source_of(options).source
    settings = {"group.id": "bench", "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer({"bootstrap.servers": ",".join(source.brokers), **settings})
    consumer.assign([TopicPartition(source.topics[0], p, 0) for p in range(4)])
    while tally.rows < options.messages:
        if found := consumer.consume(CONSUMED, 0.5):
            tally.add(len(found))
    consumer.close()


def fetched(options: argparse.Namespace) -> Iterator[Any]:
    """Messages by the fast path, with the source's own settings."""
    from monitor.sources.kafka.client_options import consumer_options
    from monitor.sources.kafka.sampling import Sampling
    from monitor.sources.kafka.verification import install

    wanted = (
        "fetch_max_bytes",
        "max_partition_fetch_bytes",
        "receive_buffer_bytes",
        "check_crcs",
        "isolation_level",
        "kafka_client",
    )
    given = consumer_options(source_of(options).source, "bench", None)
    consumer = consumer_of(options, **{name: given[name] for name in wanted})
    sampling = source_of(options).source.sampling
    unpacking = install(consumer, None if sampling is None else Sampling(sampling.rate))
    left = options.messages
    while left > 0:
        for pieces in consumer.poll(timeout_ms=500, max_records=4).values():
            for piece in pieces:
                left -= len(piece) + piece.sampled_out
                yield piece
    if unpacking.mode != "fast":
        sys.exit(f"not the fast path: {unpacking.reason}")
    consumer.close()


def unpack(options: argparse.Namespace, tally: Tally) -> None:
    """The fast path, polling only."""
    for piece in fetched(options):
        tally.add(len(piece) + piece.sampled_out)


def decode(options: argparse.Namespace, tally: Tally) -> None:
    """The fast path and decoding, in one thread."""
    from detectors.reference import Reference
    from monitor.decode.decoder import Decoder

    monitor = source_of(options)
    columns = Reference.from_bytes(Path(monitor.reference.path).read_bytes()).layout.columns
    decoder = Decoder(monitor.records, columns)
    for piece in fetched(options):
        tally.add(decoder.messages(piece).frame.height)


def pipeline(options: argparse.Namespace, tally: Tally, *, pause: bool = False) -> None:
    """The daemon's own loop: consume, decode, profile, checkpoint."""
    from monitor.assembly import assemble
    from monitor.clock import SystemClock
    from monitor.settings.load import load

    parts = assemble(load(options.config).settings, SystemClock())
    wake = threading.Event()
    parts.engine.listen(wake.set)
    source: Any = parts.engine.watches[0].pipeline.source
    poll = source.poll

    def counted(timeout: float) -> Any:
        batch = poll(timeout)
        if batch is not None:
            rows.append(batch.frame.height + batch.outcomes.get("sampled_out", 0))
        return batch

    rows: list[int] = []
    source.poll = counted
    parts.start()
    while tally.rows < options.messages:
        worked = parts.engine.step()
        if tally.rows + sum(rows) >= options.messages:
            parts.engine.commit()
        if any(rows):
            tally.add(sum(rows))
            rows.clear()
        if pause and tally.rows > options.messages // 10:
            time.sleep(PAUSE_SECONDS)
            pause = False
        if not worked:
            wake.wait(0.5)
            wake.clear()
    parts.stop(1.0)


def paused(options: argparse.Namespace, tally: Tally) -> None:
    """The pipeline, stopped for some seconds on its way, while the polling thread goes on."""
    pipeline(options, tally, pause=True)


class Profiler(threading.Thread):
    """Looks every 5 ms where each thread is, and adds the processor time that it has used since the last look."""

    def __init__(self) -> None:
        super().__init__(name="profiler", daemon=True)
        self._used: Counter[str] = Counter()
        self._clocks: dict[int, float] = {}
        self._began = 0.0

    def run(self) -> None:
        """Look until the process ends."""
        self._began = time.process_time()
        while True:
            frames = sys._current_frames()  # noqa: SLF001 - this is what it is for
            for thread in threading.enumerate():
                used = self._since_last(thread.ident or 0)
                name = thread.name.partition("-kafka-python")[0]
                place = "looking" if thread is self else place_of(frames.get(thread.ident or 0))
                self._used[f"{name}: {place}"] += used
            time.sleep(SAMPLE_SECONDS)

    def _since_last(self, ident: int) -> float:
        try:
            now = time.clock_gettime(time.pthread_getcpuclockid(ident))
        except OSError:
            return 0.0
        before, self._clocks[ident] = self._clocks.get(ident, now), now
        return now - before

    def most(self, n: int = 30) -> dict[str, float]:
        """Shares of the processor time; what no thread of Python's used is polars' threads."""
        total = max(time.process_time() - self._began, 1e-9)
        shares = Counter({place: round(used / total, 4) for place, used in self._used.items()})
        for place, used in self._used.items():
            shares[f"all of {place.partition(':')[0]}"] += round(used / total, 4)
        shares["polars and others"] = round(1.0 - sum(self._used.values()) / total, 4)
        return dict(shares.most_common(n))


def place_of(frame: Any) -> str:
    """Innermost function of driftd or kafka-python in a stack."""
    while frame is not None:
        file = frame.f_code.co_filename
        for package in ("/monitor/", "/detectors/", "/sinks/", "/kafka/"):
            if package in file:
                return f"{package[1:]}{file.rpartition(package)[2]} {frame.f_code.co_name}"
        frame = frame.f_back
    return "elsewhere"


STAGES: dict[str, Callable[[argparse.Namespace, Tally], None]] = {
    stage.__name__: stage for stage in (stock, confluent, unpack, decode, pipeline, paused)
}


def main() -> None:
    """Run one stage and print its figures."""
    tune_memory()
    with without("rich", "greenlet"):  # as `driftd` does it
        import structlog  # noqa: F401
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    profiler = Profiler()
    tally = Tally(profiler.start if options.profile else lambda: None)
    STAGES[options.stage](options, tally)
    print(json.dumps({**tally.figures(), "profile": profiler.most() if options.profile else {}}))


if __name__ == "__main__":
    main()
