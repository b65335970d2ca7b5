"""A log full of garbage: every good row is counted, every bad record is refused for the right reason."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import orjson
import polars as pl
import pytest

from detectors.layout import Column, Kind, Odd, Role
from monitor.decode.dead_letters import DeadLetters
from monitor.decode.decoder import Decoder
from monitor.decode.mapping import Records
from monitor.records import RecordBatch
from monitor.sources.files import FilesSource
from tests.corpus.records import Bad, bad, good, odd

COLUMNS = (
    Column("age", Kind.NUMERIC, integer=True),
    Column("income", Kind.NUMERIC),
    Column("city", Kind.CATEGORICAL),
    Column("flag", Kind.CATEGORICAL),
    Column("y", Kind.CATEGORICAL, Role.PREDICTION, integer=True),
)
RECORDS = Records.model_validate({"id": "$.id", "timestamp": "$.at", "features": "$.x", "prediction": "$.y"})
GOOD = 20_000


def write_log(path: Path, seed: int) -> tuple[list[Bad], int]:
    """Good, odd and bad records in random order; the bad ones, and how many are odd."""
    wrong, strange = bad(seed), odd(3)
    lines = [good(i) for i in range(GOOD)] + strange + [record.line for record in wrong]
    random.Random(seed).shuffle(lines)
    path.write_bytes(b"\n".join(lines) + b"\n")
    return wrong, len(strange)


def read(path: Path) -> list[RecordBatch]:
    """All batches of a file."""
    stream = FilesSource.model_validate({"path": str(path), "follow": False}).open(Decoder(RECORDS, COLUMNS))
    found = []
    while (batch := stream.poll(0.0)) is not None:
        found.append(batch)
    stream.close()
    return found


@pytest.mark.integration
@pytest.mark.parametrize("seed", [0, 1])
def test_garbage(tmp_path: Path, seed: int) -> None:
    """Each record has one outcome, the right one; the dead letters say so and hold the record's beginning."""
    log = tmp_path / "log.ndjson"
    wrong, strange = write_log(log, seed)
    assert len(wrong) >= 200
    batches = read(log)
    frame = pl.concat([batch.frame for batch in batches], how="diagonal_relaxed")
    rejects = [reject for batch in batches for reject in batch.rejects]
    assert GOOD + strange == frame.height
    assert {f"r{i}" for i in range(GOOD)} == set(frame["@id"].to_list())
    assert Counter(record.reason for record in wrong) == Counter(reject.reason for reject in rejects)
    expected = Counter((r.reason, r.line.strip()[:40]) for r in wrong)
    assert expected == Counter((r.reason, r.data.strip()[:40]) for r in rejects)
    letters = DeadLetters(tmp_path / "dead.ndjson")
    letters.write(rejects)
    kept = [orjson.loads(line) for line in (tmp_path / "dead.ndjson").read_bytes().splitlines()]
    data = log.read_bytes()
    for reject, entry in zip(rejects, kept, strict=True):
        assert (reject.reason, reject.offset) == (entry["reason"], entry["offset"])
        assert data[reject.offset :].lstrip().startswith(reject.data.lstrip()[:40])


@pytest.mark.integration
def test_odd_values_are_counted_as_what_they_are(tmp_path: Path) -> None:
    """Numbers in text, wrong types, fractions: null with a code, never cast."""
    log = tmp_path / "log.ndjson"
    values = {
        '"42"': Odd.NUMBER_AS_STRING,
        "true": Odd.WRONG_TYPE,
        "{}": Odd.WRONG_TYPE,
        '"w"': Odd.WRONG_TYPE,
        "1.5": Odd.FRACTIONAL,
    }
    lines = [good(0).decode().replace('"age":20', f'"age":{value}') for value in values]
    log.write_text("\n".join([*lines, good(1).decode()]) + "\n")
    (batch,) = read(log)
    assert [*values.values(), Odd.NONE] == batch.frame["@odd.age"].to_list()
    assert [None, None, None, None, 1.5, 21.0] == batch.frame["age"].to_list()


_CHILD = """
import json, resource, sys
from pathlib import Path
from tests.integration.test_garbage import read
read(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
batches = rows = 0
import monitor.sources.files as files
from tests.integration.test_garbage import COLUMNS, RECORDS
from monitor.decode.decoder import Decoder
stream = files.FilesSource.model_validate({"path": sys.argv[2], "follow": False}).open(Decoder(RECORDS, COLUMNS))
while (batch := stream.poll(0.0)) is not None:
    rows += batch.frame.height
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([before, after, rows]))
"""


@pytest.mark.integration
def test_memory_is_bounded(tmp_path: Path) -> None:
    """Lines of 40 MB and many long ones take no more memory than ordinary rows do, but for a few blocks."""
    usual, rough = tmp_path / "usual.ndjson", tmp_path / "rough.ndjson"
    usual.write_bytes(b"".join(good(i) + b"\n" for i in range(100_000)))
    with rough.open("wb") as out:
        for i in range(6):
            out.write(good(i) + b"\n" + b'{"x":"' + b"z" * (40 * 2**20) + b'"}\n')
    arguments = [sys.executable, "-c", _CHILD, str(usual), str(rough)]
    done = subprocess.run(
        arguments, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    before, after, rows = json.loads(done.stdout)
    assert 6 == rows
    unit = 1 if sys.platform == "darwin" else 1024
    assert (after - before) * unit < 64 * 2**20
