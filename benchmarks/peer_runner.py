"""Run one peer over windows; executed by the peer's own interpreter, so it imports nothing of driftd.

    python peer_runner.py NAME JOBS.json

JOBS.json is a list of {"reference": PATH, "stream": PATH, "window": ROWS, "repeat": TIMES}. Printed is a JSON list
with, for each job, "windows": for each window the columns that the peer calls drifted with its defaults;
"prepare_seconds": for its imports and what it learns of the reference alone; "seconds": for the windows, the best of
the repeats.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings

for _switch in ("DO_NOT_TRACK", "NML_DISABLE_USAGE_LOGGING", "WHYLOGS_NO_ANALYTICS"):
    os.environ[_switch] = "1"
warnings.filterwarnings("ignore")

from collections.abc import Callable, Sequence  # noqa: E402 - after the settings above
from functools import partial  # noqa: E402 - after the settings above
from pathlib import Path  # noqa: E402 - after the settings above
from typing import Any  # noqa: E402 - after the settings above

import pandas as pd  # noqa: E402 - after the settings above

CONDITION = 0.2
"""Of deepchecks: the drift score above which its condition fails by default."""

Frame = pd.DataFrame
Named = list[list[str]]
Judge = Callable[[list[Frame]], Named]


def cut(stream: Frame, window: int) -> list[Frame]:
    return [stream.iloc[k : k + window] for k in range(0, len(stream) - window + 1, window)]


def split(frame: Frame) -> tuple[list[str], list[str]]:
    numbers = [c for c in frame if pd.api.types.is_numeric_dtype(frame[c])]
    return numbers, [c for c in frame if c not in numbers]


def evidently(reference: Frame, _size: int) -> Judge:
    from evidently import Report
    from evidently.presets import DataDriftPreset

    def judge(windows: list[Frame]) -> Named:
        found = []
        for window in windows:
            result = Report([DataDriftPreset()]).run(window.copy(), reference.copy()).dict()
            named = []
            for metric in result["metrics"]:
                config = metric.get("config", {})
                if not config.get("type", "").endswith("ValueDrift"):
                    continue
                value, limit = float(metric["value"]), float(config["threshold"])
                by_p = "p_value" in config["method"]
                if (value < limit) if by_p else (value >= limit):
                    named.append(config["column"])
            found.append(named)
        return found

    return judge


def nannyml(reference: Frame, size: int) -> Judge:
    import nannyml as nml

    calculator = nml.UnivariateDriftCalculator(column_names=list(reference.columns), chunk_size=size)
    calculator.fit(reference)

    def judge(windows: list[Frame]) -> Named:
        table = calculator.calculate(pd.concat(windows)).filter(period="analysis").to_df()
        named = [[] for _ in windows]
        for column, *rest in table.columns:
            if rest[-1] == "alert":
                for k, alert in enumerate(table[(column, *rest)].tolist()[: len(windows)]):
                    if alert and column not in named[k]:
                        named[k].append(column)
        return named

    return judge


def alibi_detect(reference: Frame, _size: int) -> Judge:
    from alibi_detect.cd import TabularDrift

    numbers, categories = split(reference)
    order = numbers + categories
    codes = {c: {v: k for k, v in enumerate(reference[c].fillna("null").unique())} for c in categories}

    def encode(frame: Frame) -> object:
        data = frame[order].copy()
        for c in categories:
            data[c] = data[c].fillna("null").map(codes[c]).fillna(0)  # it refuses new values
        return data.fillna(reference[numbers].median()).to_numpy(dtype="float32")

    sizes = {len(numbers) + k: len(codes[c]) for k, c in enumerate(categories)}
    detector = TabularDrift(encode(reference), p_val=0.05, categories_per_feature=sizes)

    def judge(windows: list[Frame]) -> Named:
        found = []
        for window in windows:
            data = detector.predict(encode(window), drift_type="batch")["data"]
            found.append([c for c, p in zip(order, data["p_val"], strict=True) if p < data["threshold"]])
        return found

    return judge


def whylogs(reference: Frame, _size: int) -> Judge:
    import whylogs as why
    from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

    view = why.log(reference).view()

    def judge(windows: list[Frame]) -> Named:
        found = []
        for window in windows:
            scores = calculate_drift_scores(why.log(window).view(), view, with_thresholds=True)
            found.append([c for c, s in scores.items() if s and s.get("drift_category") == "DRIFT"])
        return found

    return judge


def deepchecks(reference: Frame, _size: int) -> Judge:
    from deepchecks.tabular import Dataset
    from deepchecks.tabular.checks import FeatureDrift

    categories = split(reference)[1]
    before = Dataset(reference, cat_features=categories)

    def judge(windows: list[Frame]) -> Named:
        found = []
        for window in windows:
            now = Dataset(window, cat_features=categories)
            value = FeatureDrift().run(before, now, with_display=False).value
            found.append([c for c, v in value.items() if (v["Drift score"] or 0) > CONDITION])
        return found

    return judge


PEERS: dict[str, Callable[[Frame, int], Judge]] = {
    "evidently": evidently,
    "nannyml": nannyml,
    "alibi-detect": alibi_detect,
    "whylogs": whylogs,
    "deepchecks": deepchecks,
}


def river(streams: Sequence[Sequence[float]]) -> dict[str, list[list[int]]]:
    """Alarms of ADWIN and Page-Hinkley with their defaults: lists of row numbers for each stream."""
    from river import drift

    result = {}
    for name, make in (("ADWIN", drift.ADWIN), ("Page-Hinkley", drift.PageHinkley)):
        alarms = []
        for stream in streams:
            detector, rows = make(), []
            for k, value in enumerate(stream):
                detector.update(value)
                if detector.drift_detected:
                    rows.append(k)
            alarms.append(rows)
        result[name] = alarms
    return result


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    found = work()
    return time.perf_counter() - started, found


def main(name: str, path: str) -> None:
    jobs = json.loads(Path(path).read_text(encoding="utf-8"))
    if name == "river":
        print(json.dumps(river(jobs)), file=ANSWER)
        return
    results = []
    for job in jobs:
        reference, stream = pd.read_parquet(job["reference"]), pd.read_parquet(job["stream"])
        windows = cut(stream, job["window"])
        prepared, judge = timed(partial(PEERS[name], reference, job["window"]))
        runs = [timed(partial(judge, windows)) for _ in range(job.get("repeat", 1))]
        seconds = min(run[0] for run in runs)
        results.append({"windows": runs[-1][1], "seconds": seconds, "prepare_seconds": prepared})
    print(json.dumps(results), file=ANSWER)


if __name__ == "__main__":
    ANSWER, sys.stdout = sys.stdout, sys.stderr  # what the peers print must not mix with the answer
    main(*sys.argv[1:])
