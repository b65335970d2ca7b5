"""Run one peer over windows; executed by the peer's own interpreter, so it imports nothing of driftd.

    python peer_runner.py NAME JOBS.json

JOBS.json is a list of {"reference": PATH, "stream": PATH, "window": ROWS}. Printed is a JSON list with, for each job,
"windows": for each window the columns that the peer calls drifted with its defaults, and "seconds" in all.
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
from pathlib import Path  # noqa: E402 - after the settings above

import pandas as pd  # noqa: E402 - after the settings above

Frame = pd.DataFrame
Named = list[list[str]]


def cut(stream: Frame, window: int) -> list[Frame]:
    return [stream.iloc[k : k + window] for k in range(0, len(stream) - window + 1, window)]


def split(frame: Frame) -> tuple[list[str], list[str]]:
    numbers = [c for c in frame if pd.api.types.is_numeric_dtype(frame[c])]
    return numbers, [c for c in frame if c not in numbers]


def evidently(reference: Frame, windows: list[Frame]) -> Named:
    from evidently import Report
    from evidently.presets import DataDriftPreset

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


def nannyml(reference: Frame, windows: list[Frame]) -> Named:
    import nannyml as nml

    columns = list(reference.columns)
    calculator = nml.UnivariateDriftCalculator(column_names=columns, chunk_size=len(windows[0]))
    calculator.fit(reference)
    table = calculator.calculate(pd.concat(windows)).filter(period="analysis").to_df()
    named = [[] for _ in windows]
    for column, *rest in table.columns:
        if rest[-1] == "alert":
            for k, alert in enumerate(table[(column, *rest)].tolist()[: len(windows)]):
                if alert and column not in named[k]:
                    named[k].append(column)
    return named


def alibi_detect(reference: Frame, windows: list[Frame]) -> Named:
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
    found = []
    for window in windows:
        data = detector.predict(encode(window), drift_type="batch")["data"]
        found.append([c for c, p in zip(order, data["p_val"], strict=True) if p < data["threshold"]])
    return found


def whylogs(reference: Frame, windows: list[Frame]) -> Named:
    import whylogs as why
    from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

    view = why.log(reference).view()
    found = []
    for window in windows:
        scores = calculate_drift_scores(why.log(window).view(), view, with_thresholds=True)
        found.append([c for c, s in scores.items() if s and s.get("drift_category") == "DRIFT"])
    return found


def deepchecks(reference: Frame, windows: list[Frame]) -> Named:
    from deepchecks.tabular import Dataset
    from deepchecks.tabular.checks import FeatureDrift

    categories = split(reference)[1]
    before = Dataset(reference, cat_features=categories)
    found = []
    for window in windows:
        value = FeatureDrift().run(before, Dataset(window, cat_features=categories), with_display=False).value
        found.append(
            [c for c, v in value.items() if (v["Drift score"] or 0) > 0.2]
        )  # the condition's default
    return found


PEERS: dict[str, Callable[[Frame, list[Frame]], Named]] = {
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


def main(name: str, path: str) -> None:
    jobs = json.loads(Path(path).read_text(encoding="utf-8"))
    if name == "river":
        print(json.dumps(river(jobs)), file=ANSWER)
        return
    results = []
    for job in jobs:
        reference, stream = pd.read_parquet(job["reference"]), pd.read_parquet(job["stream"])
        windows = cut(stream, job["window"])
        started = time.perf_counter()
        found = PEERS[name](reference, windows)
        results.append({"windows": found, "seconds": time.perf_counter() - started})
    print(json.dumps(results), file=ANSWER)


if __name__ == "__main__":
    ANSWER, sys.stdout = sys.stdout, sys.stderr  # what the peers print must not mix with the answer
    main(*sys.argv[1:])
