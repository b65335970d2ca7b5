"""Messages a second from a Kafka topic to the state, beside kafka-python and confluent-kafka that only read.

    python benchmarks/bench_kafka.py [--messages 1000000] [--repeat 3] [--only STAGE ...] [--json PATH]

Starts a broker of Apache Kafka (jars by Maven, kept in the cache folder), writes seeded messages of 25 features and
about 820 bytes of JSON to four partitions, and reads them in a process for each stage. Stages take turns, so that what
else the machine does hits all of them; the median of the repeats counts. One more run of some tells where the time
goes. Then the daemon as a process: how long a message takes until `/metrics` has counted it, at 1,000 a second over 4
partitions and over 64, what that takes of a core, and how long until it counts again after its broker's return.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench_pipeline import NESTED, with_bytecode, write_reference
from kafka_live import live
from kafka_topic import broker, fill

from monitor.cli import surroundings

TOPIC = "bench"
STAGES = ("stock", "confluent", "unpack", "decode", "pipeline", "sampled", "paused")
CONFIG = """
state: {folder}/{stage}-{turn}.state
http: {{port: {port}}}
sinks: []
monitors:
  - name: bench
    source: {{type: kafka, brokers: ["{address}"], topics: [{topic}], group: {stage}-{turn}{more}}}
    records: {records}
    reference: {{type: file, path: "{folder}/reference.driftref"}}
    windows: [{{length: 1h}}]
"""
MODULES = ("monitor.daemon", "monitor.sources.kafka.source", "scipy.special")

PROFILED = {"unpack", "pipeline", "sampled"}
SAMPLING = ", sampling: {rate: 0.01}"
TARGETS = {
    "pipeline over stock": 1.3,
    "pipeline over confluent": 0.35,
    "sampled over stock": 2.5,
}


def configure(
    folder: Path, stage: str, turn: int, address: str, *, port: int = 0, topic: str = TOPIC
) -> Path:
    """A configuration with a state and a group of its own."""
    path = folder / f"{stage}-{turn}.yaml"
    more = SAMPLING if stage == "sampled" else ""
    text = CONFIG.format(
        folder=folder,
        stage=stage,
        turn=turn,
        port=port,
        address=address,
        topic=topic,
        more=more,
        records=NESTED,
    )
    path.write_text(text)
    return path


def run(
    folder: Path, stage: str, turn: int, address: str, messages: int, *, profile: bool = False
) -> dict[str, Any]:
    """One stage once; with a profile it is slower."""
    config = configure(folder, stage, turn, address)
    program = str(Path(__file__).with_name("kafka_stages.py"))
    words = [
        "pipeline" if stage == "sampled" else stage,
        "--config",
        str(config),
        "--messages",
        str(messages),
    ]
    done = subprocess.run(
        [sys.executable, program, *words, *(["--profile"] if profile else [])],
        check=False, capture_output=True, text=True, env={**with_bytecode(folder, *MODULES), **surroundings(["run"])},
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{stage}: {done.stdout[-2000:]}{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    show(stage, found)
    return found


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All stages in turns, then the daemon on a live topic."""
    write_reference(folder, f"{folder}/none", NESTED)
    found: dict[str, Any] = {"messages": options.messages}
    with broker(folder) as running:
        found["message_bytes"] = fill(running.address, TOPIC, options.messages)
        turns: dict[str, list[dict[str, Any]]] = {stage: [] for stage in options.only or STAGES}
        for turn in range(options.repeat):
            for stage, results in turns.items():
                results.append(run(folder, stage, turn, running.address, options.messages))
        found["stages"] = {stage: median(results) for stage, results in turns.items()}
        found["profile"] = {
            stage: run(folder, stage, -1, running.address, options.messages, profile=True)["profile"]
            for stage in turns.keys() & PROFILED
        }
        if options.live_seconds:
            found["live"] = live(
                lambda port, topic: configure(folder, topic, 0, running.address, port=port, topic=topic),
                running,
                options.live_seconds,
            )
    return found


def median(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The run of the middle rate, with the highest memory of all."""
    middle = sorted(results, key=lambda one: one["rows_per_second"])[len(results) // 2]
    middle.pop("profile")
    return {**middle, "highest_mb": max(one["highest_mb"] for one in results)}


def ratios(stages: dict[str, dict[str, Any]]) -> dict[str, float]:
    """How many times the rate of the others, as far as they were run."""
    rates = {stage: found["rows_per_second"] for stage, found in stages.items()}
    pairs = [name.split(" over ") for name in TARGETS]
    return {
        f"{one} over {other}": rates[one] / rates[other]
        for one, other in pairs
        if {one, other} <= rates.keys()
    }


def show(stage: str, one: dict[str, Any]) -> None:
    """A line of the table."""
    rate, processor, memory = (
        one[key] for key in ("rows_per_second", "processor_seconds_per_million", "highest_mb")
    )
    print(
        f"{stage:10} {rate:>10,.0f} messages/s {processor:>7.2f} CPU s/million {memory:>5.0f} MB", flush=True
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=STAGES)
    parser.add_argument("--live-seconds", type=float, default=30.0, help="0: no live topic")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), options)
    print()
    for stage, one in found["stages"].items():
        show(stage, one)
    for stage, places in found["profile"].items():
        print(f"\nprocessor time of {stage}:")
        for place, share in places.items():
            print(f"    {share:6.1%} {place}")
    found["ratios"] = ratios(found["stages"])
    for name, ratio in found["ratios"].items():
        print(f"{name:26} {ratio:5.2f} x  (target {TARGETS[name]})")
    for name, value in found.get("live", {}).items():
        print(f"{name:26} {value:7.2f}")
    if options.json:
        options.json.write_text(json.dumps({"benchmark": "kafka", **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
