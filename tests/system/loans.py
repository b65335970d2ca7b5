"""Loan applications that nobody made: a table, the same as a request log, and a folder with both."""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
import polars as pl

ROWS = 6_000


def loans(rng: np.random.Generator, rows: int, begin: datetime, minutes: float) -> pl.DataFrame:
    """A made-up table of loan applications with a model's answers, evenly spread over some minutes."""
    income = rng.lognormal(10, 0.5, rows)
    score = 1 / (1 + np.exp(-(income - 25_000) / 10_000 + rng.normal(0, 1, rows)))
    return pl.DataFrame(
        {
            "id": [f"{begin:%j%H}-{number}" for number in range(rows)],
            "timestamp": [begin + timedelta(minutes=minutes * number / rows) for number in range(rows)],
            "age": rng.integers(18, 90, rows),
            "income": income.round(2),
            "region": rng.choice(["north", "east", "south", "west"], rows),
            "y_pred": (score > 0.5).astype(int),
            "y_pred_proba": score.round(6),
        }
    )


def nested(table: pl.DataFrame) -> bytes:
    """The same as a request log: one JSON object a line, features and answers in objects of their own."""
    lines = []
    for row in table.iter_rows(named=True):
        inputs = {name: row[name] for name in ("age", "income", "region")}
        outputs = {name: row[name] for name in ("y_pred", "y_pred_proba")}
        head = {"id": row["id"], "timestamp": row["timestamp"].isoformat(), "model_version": "7"}
        service = {"latency_ms": 12.5, "status": 200}
        lines.append(orjson.dumps({**head, "inputs": inputs, "outputs": outputs, **service}))
    return b"\n".join(lines) + b"\n"


def fill(folder: Path, rng: np.random.Generator) -> None:
    """What a reader of the README would have: training data, today's data, and a log of three hours."""
    now = datetime.now(UTC).replace(microsecond=0)
    loans(rng, ROWS, now - timedelta(days=30), 1_440).write_parquet(folder / "training.parquet")
    recent = loans(rng, ROWS, now - timedelta(hours=3), 179)
    recent.write_parquet(folder / "today.parquet")
    (folder / "logs").mkdir()
    (folder / "logs" / "requests.ndjson").write_bytes(nested(recent))


def environment() -> dict[str, str]:
    """The environment with this installation's programs first on the path, without variables of driftd's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DRIFTD_")}
    return {**kept, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
