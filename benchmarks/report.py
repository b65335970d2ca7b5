"""The tables of benchmarks/README.md out of the figures in benchmarks/results.

    python benchmarks/report.py [--check]

Writes the part of the README between the two marks; with --check it says only whether that part is up to date.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
SMALL, MILLION = "10000", "1000000"
PEERS_NOTE = """Seconds for a window, and how many times driftd's that is. Imports and what a tool learns of the
reference alone stand in a column of their own. Of 10,000 rows the best of three is taken. Targets: 300 x against
Evidently and 15 x against each of the others for 1,000,000 rows, 10 x against NannyML for 10,000."""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def read(name: str) -> dict[str, Any]:
    """The figures of one benchmark; empty where it was not run."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def profile() -> str:
    """Cost of a window, alone and beside the peers."""
    found = read("profile")
    if not found:
        return ""
    evaluation = ", ".join(f"{int(n):,}: {ms:.1f} ms" for n, ms in found["evaluation_ms"].items())
    rows = [
        ("pass and all tests, ns a value", f"{found['nanoseconds_per_value']:.1f}", "5"),
        ("pass alone, ns a value", f"{found['pass_nanoseconds_per_value']:.1f}", ""),
        ("evaluation of a closed window, by rows", evaluation, "5 ms"),
        ("window of 10,000 rows, pass and evaluation", f"{found['small_window_ms']:.1f} ms", ""),
        ("profile with its sample, compressed", f"{found['profile_bytes'] / 1e3:.0f} kB", ""),
        ("profile without its sample", f"{found['profile_bytes_without_sample'] / 1e3:.0f} kB", ""),
    ]
    parts = [
        "### A window of 1,000,000 x 50 against a reference of 100,000",
        table(("what", "measured", "target"), rows),
    ]
    if "peer_seconds" in found:
        parts += [PEERS_NOTE, peers(found)]
    return "\n\n".join(parts)


def peers(found: dict[str, Any]) -> str:
    """Seconds of each peer for either window, and how many times driftd's."""
    own = {MILLION: found["window_seconds"], SMALL: found["small_window_ms"] / 1e3}
    rows = [("driftd", f"{found['fit_seconds']:.1f}", f"{own[SMALL]:.3f}", "", f"{own[MILLION]:.3f}", "")]
    for name, sizes in found["peer_seconds"].items():
        cells = [name, f"{sizes[SMALL]['prepare_seconds']:.1f}"]
        for size in (SMALL, MILLION):
            cells += [f"{sizes[size]['seconds']:.2f}", f"{sizes[size]['seconds'] / own[size]:.0f} x"]
        rows.append(tuple(cells))
    head = ("tool", "imports and reference, s", "10,000 rows, s", "", "1,000,000 rows, s", "")
    return table(head, rows)


def pipeline() -> str:
    """Rows a second through the whole pipeline."""
    rows = [
        (name, f"{one['rows']:,.0f}", f"{one['rows_per_second']:,.0f}",
         {"ndjson": "300,000", "parquet": "3,000,000"}.get(name, ""),
         f"{one['processor_us_per_row']:.2f}", f"{one['highest_mb']:.0f} MB")
        for name, one in read("pipeline").items()
    ]  # fmt: skip
    head = ("format", "rows", "rows a second", "target", "processor time, us a row", "highest memory")
    return "### Replay, 25 features\n\n" + table(head, rows) if rows else ""


KAFKA_STAGES = {
    "stock": "kafka-python, polling only",
    "confluent": "confluent-kafka, consuming only",
    "unpack": "fast path, polling only",
    "decode": "fast path and decoding, one thread",
    "pipeline": "the whole pipeline",
    "sampled": "the whole pipeline, 1 in 100",
    "paused": "the whole pipeline, stopped for 8 s on its way",
}
KAFKA_RATIOS = {
    "pipeline over stock": ("the pipeline over kafka-python that only polls", "1.3 x"),
    "pipeline over confluent": ("the pipeline over confluent-kafka that only consumes", "0.35 x"),
    "sampled over stock": ("1 in 100 over kafka-python that only polls", "2.5 x"),
}
KAFKA_LIVE = {
    "latency_p50_seconds": ("1,000 messages a second, written to counted in `/metrics`, median", ""),
    "latency_p99_seconds": ("the same, 99 of 100", "2 s"),
    "many_latency_p99_seconds": ("the same, over 64 partitions instead of 4", ""),
    "recovery_seconds": ("broker back to messages counted again", "6 s"),
}
KAFKA_SHARES = {
    "processor_share": "1,000 messages a second over 4 partitions, share of a core",
    "many_processor_share": "the same, over 64 partitions",
}


def kafka() -> str:
    """From a Kafka topic to the state, beside clients that only read."""
    found = read("kafka")
    if not found:
        return ""
    stages = [
        (KAFKA_STAGES[name], "" if name == "paused" else f"{one['rows_per_second']:,.0f}",
         f"{one['processor_seconds_per_million']:.1f}", f"{one['highest_mb']:.0f} MB")
        for name, one in found["stages"].items()
    ]  # fmt: skip
    memory = max(one["highest_mb"] for name, one in found["stages"].items() if name in {"pipeline", "paused"})
    figures = [
        (text, f"{found['ratios'][name]:.2f} x", target) for name, (text, target) in KAFKA_RATIOS.items()
    ]
    figures.append(("highest memory, full speed or stopped on the way", f"{memory:.0f} MB", "200 MB"))
    live = found.get("live", {})
    figures += [
        (text, f"{live[name]:.2f} s", goal) for name, (text, goal) in KAFKA_LIVE.items() if name in live
    ]
    figures += [(text, f"{live[name]:.1%}", "") for name, text in KAFKA_SHARES.items() if name in live]
    title = f"### Kafka, {found['messages']:,} messages of {found['message_bytes']:.0f} bytes, 25 features"
    head = ("stage", "messages a second", "processor s a million", "highest memory")
    places = found.get("profile", {}).get("pipeline", {})
    shares = [(f"{share:.1%}", place) for place, share in list(places.items())[:16]]
    parts = [title, table(head, stages), table(("what", "measured", "target"), figures)]
    if shares:
        parts += ["Where the pipeline's processor time goes:", table(("share", "thread and place"), shares)]
    return "\n\n".join(parts)


def daemon() -> str:
    """The process: memory, start, idling."""
    found = read("daemon")
    if not found:
        return ""
    rows = [
        ("rows", f"{found['rows']:,}", ""),
        ("start to ready, median of six", f"{found['start_to_ready_seconds']:.2f} s", "1.5 s"),
        ("the slowest of these", f"{found['slowest_start_seconds']:.2f} s", ""),
        ("resident memory, first tenth of the run", f"{found['resident_first_mb']:.0f} MB", "150 MB"),
        ("resident memory, last tenth", f"{found['resident_last_mb']:.0f} MB", "150 MB"),
        ("resident memory, most", f"{found['resident_max_mb']:.0f} MB", "150 MB"),
        ("growth from the first to the last tenth", f"{found['growth_ratio']:+.1%}", "5 %"),
        ("processor share when idle", f"{found['idle_cpu_ratio']:.1%}", "1 %"),
    ]  # fmt: skip
    return "### The daemon, 50 features, Parquet\n\n" + table(("what", "measured", "target"), rows)


def quality() -> str:
    """Quiet windows that were called, and breaks that were found."""
    found = read("quality")
    if not found:
        return ""
    rows = []
    for name, tool in found["tools"].items():
        pooled = tool["pooled"]
        shares = [
            f"{pooled[group]['any_warning']:.2%} of {pooled[group]['windows']}" if group in pooled else ""
            for group in "abcd"
        ]
        rows.append((name, *shares, f"{tool['named_in_time']} of {tool['breaks_in_all']}"))
    head = (
        "tool",
        "(a) shuffled",
        "(b) before the break",
        "(c) real",
        "(d) generated",
        "breaks named in time",
    )
    parts = ["### Quiet windows with any warning, and breaks found", table(head, rows)]
    if "errors" in found:
        parts.append(errors(found["errors"]))
    return "\n\n".join(parts)


def errors(found: dict[str, Any]) -> str:
    """Change detectors on streams of errors."""
    streams = list(next(iter(found.values())))
    rows = []
    for stream in streams:
        cells = [stream]
        for one in found.values():
            seen = one.get(stream, {})
            if "median_delay" in seen:
                delay = seen["median_delay"]
                cells.append(f"after {delay:,.0f} rows, {seen['missed']:.0f} missed" if delay else "-")
            else:
                cells.append(f"{seen['false_alarms_per_10000']:.2f} false" if seen else "")
        rows.append(cells)
    return "Error streams: false alarms per 10,000 rows, or the median delay of a change.\n\n" + table(
        ("stream", *found), rows
    )


def main() -> None:
    """Write or check."""
    path = FOLDER / "README.md"
    text = path.read_text()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    body = "\n\n".join(part for part in (profile(), pipeline(), kafka(), daemon(), quality()) if part)
    fresh = f"{text[:begin]}\n\n{body}\n\n{text[end:]}"
    if "--check" in sys.argv[1:]:
        sys.exit(0 if fresh == text else "benchmarks/README.md is stale: python benchmarks/report.py")
    path.write_text(fresh)


if __name__ == "__main__":
    main()
