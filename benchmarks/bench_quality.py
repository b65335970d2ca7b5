"""How often driftd warns where nothing changed, and how soon it names what did.

    python benchmarks/bench_quality.py --data ../shared/data [--peers DIRECTORY] [--output quality.json]

Scenarios: (a) shuffled tables and one in its own order, (b) one column breaks, (c) what the data cards state, (d)
generated quiet data, and the error stream. Everything is seeded and goes through the public API with default settings.
With `--peers` (see `peers.py`) Evidently, NannyML and alibi-detect see the same windows of (a), (b) and (c), river the
same error streams.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import quality_errors as errors
from peers import python_of
from quality_data import Scenario, broken_tables, columns_of, generated, known_streams, quiet_tables

from detectors.base import Result, Verdict, Window
from detectors.correlation import Correlation
from detectors.drift import Drift
from detectors.page_hinkley import PageHinkley
from detectors.profile import Profile, profile_rows
from detectors.reference import Reference
from detectors.shiryaev_roberts import ShiryaevRoberts

Named = list[list[tuple[str, bool]]]
"""For each window the columns that were named, each with whether the verdict was drift."""

HISTORY = 7


def judge(reference: Reference, stream: pl.DataFrame, rows: int) -> Iterator[list[Result]]:
    """What driftd finds in each window of a stream."""
    history: tuple[Profile, ...] = ()
    for start in range(0, stream.height - rows + 1, rows):
        profile = profile_rows(reference.layout, stream[start : start + rows])
        window = Window(profile, history)
        yield [*Drift().test(reference, window), *Correlation().test(reference, window)]
        history = (profile, *history)[:HISTORY]


class Driftd:
    """Fits each reference once, and keeps the newest."""

    def __init__(self) -> None:
        self._frame: pl.DataFrame | None = None
        self._reference: Reference | None = None

    def __call__(self, scenario: Scenario) -> Named:
        """Run a scenario."""
        if self._reference is None or self._frame is None or not self._frame.equals(scenario.reference):
            self._frame = scenario.reference
            self._reference = Reference.fit(scenario.reference, columns_of(scenario.reference))
        bad = (Verdict.WARNING, Verdict.DRIFT)
        return [
            [(r.column, r.verdict is Verdict.DRIFT) for r in results if r.verdict in bad]
            for results in judge(self._reference, scenario.stream, scenario.window)
        ]


@dataclass
class Quiet:
    """Windows in which nothing changed."""

    windows: int = 0
    warned: int = 0
    drifted: int = 0

    def add(self, named: Iterable[Sequence[tuple[str, bool]]]) -> None:
        """Count some windows."""
        for window in named:
            self.windows += 1
            self.warned += bool(window)
            self.drifted += any(drift for _, drift in window)

    def to_json(self) -> dict[str, float]:
        """Shares."""
        n = max(self.windows, 1)
        return {"windows": self.windows, "any_warning": self.warned / n, "any_drift": self.drifted / n}


@dataclass
class Tally:
    """Figures of one tool.

    Attributes:
        quiet: quiet windows by group and by set. breaks: by name, windows until the right column was named (0: never)
            and the limit.
    """

    quiet: dict[str, dict[str, Quiet]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Quiet))
    )
    breaks: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, scenario: Scenario, named: Named) -> None:
        """Count one scenario."""
        at = scenario.break_row // scenario.window if scenario.broken else len(named)
        name = f"{scenario.name}, {scenario.window} rows"
        self.quiet[scenario.group][name if scenario.group != "b" else "before the break"].add(named[:at])
        if scenario.broken:
            hits = [k + 1 for k, w in enumerate(named[at:]) if {c for c, _ in w} & set(scenario.broken)]
            self.breaks[name].append((hits[0] if hits else 0, scenario.limit))

    def to_json(self) -> dict[str, object]:
        """All figures."""
        pooled = {}
        for group, sets in self.quiet.items():
            total = Quiet()
            for one in sets.values():
                total.windows, total.warned = total.windows + one.windows, total.warned + one.warned
                total.drifted += one.drifted
            pooled[group] = total.to_json()
        every = [pair for pairs in self.breaks.values() for pair in pairs]
        return {
            "pooled": pooled,
            "quiet": {g: {n: q.to_json() for n, q in sets.items()} for g, sets in self.quiet.items()},
            "breaks": dict(self.breaks),
            "named_in_time": sum(0 < found <= limit for found, limit in every),
            "breaks_in_all": len(every),
        }


def shortened(scenario: Scenario, windows: int) -> Scenario:
    """The part of a scenario that peers see: around its break, or its first windows."""
    at = scenario.break_row // scenario.window if scenario.broken else 0
    first = max(at - 2, 0)
    rows = slice(first * scenario.window, (first + windows) * scenario.window)
    row = (at - first) * scenario.window
    return Scenario(
        scenario.group, scenario.name, scenario.window, scenario.reference, scenario.stream[rows], scenario.broken, row,
        scenario.limit,
    )  # fmt: skip


def run_peer(peers: Path, name: str, jobs: object, folder: Path) -> list[dict[str, object]]:
    """What `peer_runner.py` answers in the peer's environment."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(jobs), encoding="utf-8")
    command = [str(python_of(peers, name)), str(Path(__file__).with_name("peer_runner.py")), name, str(path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def peer_tally(peers: Path, name: str, scenarios: Sequence[Scenario]) -> Tally:
    """Run a peer over the scenarios."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as temporary:
        folder, jobs = Path(temporary), []
        for k, scenario in enumerate(scenarios):
            paths = {"reference": folder / f"{k}.r.parquet", "stream": folder / f"{k}.s.parquet"}
            scenario.reference.write_parquet(paths["reference"])
            scenario.stream.write_parquet(paths["stream"])
            jobs.append({n: str(p) for n, p in paths.items()} | {"window": scenario.window})
        for scenario, answer in zip(scenarios, run_peer(peers, name, jobs, folder), strict=True):
            tally.add(scenario, [[(c, True) for c in window] for window in answer["windows"]])  # type: ignore[attr-defined]
    return tally


def error_streams(data: Path, seeds: range, peers: Path | None) -> dict[str, object]:
    """False alarms and delays of driftd's detectors, and of river's where it is there."""
    streams = [*errors.quiet(seeds), *errors.elec2(data), *errors.changes(seeds)]
    table: dict[str, object] = {
        d.type: errors.summary(streams, errors.alarms(d, streams)) for d in (ShiryaevRoberts(), PageHinkley())
    }
    if peers and python_of(peers, "river").exists():
        with tempfile.TemporaryDirectory() as folder:
            # river has no reference: it sees the reference's rows first, and alarms in them are not counted
            jobs = [[*s.reference.tolist(), *s.errors.tolist()] for s in streams]
            answer: dict[str, list[list[int]]] = run_peer(peers, "river", jobs, Path(folder))  # type: ignore[assignment]
        for name, found in answer.items():
            pairs = zip(streams, found, strict=True)
            rows = [[k - len(s.reference) for k in r if k >= len(s.reference)] for s, r in pairs]
            table[f"river {name}"] = errors.summary(streams, rows)
    return table


def print_table(report: dict[str, object]) -> None:
    tools: dict[str, dict[str, object]] = report["tools"]  # type: ignore[assignment]
    for name, figures in tools.items():
        for group, pooled in figures["pooled"].items():  # type: ignore[attr-defined]
            print(
                f"{name:14} ({group}) {pooled['windows']:6} quiet windows: {pooled['any_warning']:7.2%} warned, "
                f"{pooled['any_drift']:7.2%} drift"
            )
        if figures["breaks_in_all"]:
            print(f"{name:14} {figures['named_in_time']} of {figures['breaks_in_all']} breaks named in time")
    for group, sets in tools["driftd"]["quiet"].items():  # type: ignore[attr-defined]
        for set_name, q in sets.items():
            print(
                f"  ({group}) {set_name:45} {q['windows']:5} windows {q['any_warning']:7.2%} {q['any_drift']:7.2%}"
            )
    for name, pairs in tools["driftd"]["breaks"].items():  # type: ignore[attr-defined]
        print(f"  {name:45} named in window {sorted({found for found, _ in pairs})} (0: never)")
    for detector, rows in report.get("errors", {}).items():  # type: ignore[attr-defined]
        for name, figures in rows.items():
            print(f"  {detector:20} {name:40} {figures}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--peers", type=Path, help="the directory that peers.py filled")
    parser.add_argument("--groups", default="abcde", help="any of a, b, c, d and e (error streams)")
    parser.add_argument("--seeds", type=int, default=3, help="shuffles, and repetitions of generated data")
    parser.add_argument(
        "--peer-windows",
        type=int,
        default=5,
        help="windows of each scenario that peers see: one takes them seconds",
    )
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    seeds, groups = range(options.seeds), options.groups
    makers = {
        "a": lambda: quiet_tables(options.data, seeds),
        "b": lambda: broken_tables(options.data, seeds),
        "c": lambda: known_streams(options.data),
        "d": lambda: generated(seeds),
    }
    tally, driftd, tools = Tally(), Driftd(), {}
    for group in groups.replace("e", ""):
        for scenario in makers[group]():
            tally.add(scenario, driftd(scenario))
    tools["driftd"] = tally.to_json()
    if options.peers:
        few = range(1)
        shown = {
            "a": lambda: quiet_tables(options.data, few),
            "b": lambda: broken_tables(options.data, few),
            "c": lambda: known_streams(options.data),
        }
        seen = [
            shortened(s, options.peer_windows) for group in groups if group in shown for s in shown[group]()
        ]
        for name in ("evidently", "nannyml", "alibi-detect"):
            if python_of(options.peers, name).exists():
                tools[name] = peer_tally(options.peers, name, seen).to_json()
    report: dict[str, object] = {"tools": tools}
    if "e" in groups:
        report["errors"] = error_streams(options.data, range(options.seeds * 4), options.peers)
    if options.output:
        options.output.write_text(json.dumps(report, indent=1), encoding="utf-8")
    print_table(report)


if __name__ == "__main__":
    main()
