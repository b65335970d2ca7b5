"""Dead letters: each record once, bounded, and never in the way."""

from __future__ import annotations

import base64
from pathlib import Path

import orjson

from monitor.decode.dead_letters import DeadLetters
from monitor.records import Reject


def rejects(first: int, last: int, data: bytes = b"{") -> list[Reject]:
    """Rejected records at offsets first to last - 1."""
    return [Reject("malformed_json", "no end", "log", i, data) for i in range(first, last)]


def offsets(path: Path) -> list[int]:
    """What the file holds."""
    return [orjson.loads(line)["offset"] for line in path.read_bytes().splitlines()]


def test_each_record_once_over_a_crash(tmp_path: Path) -> None:
    """Records that come again after a restart are not written again, others are; a torn line does no harm."""
    path = tmp_path / "dead.ndjson"
    DeadLetters(path).write(rejects(0, 5))
    with path.open("ab") as file:
        file.write(b'{"reason": "tor')
    again = DeadLetters(path)
    again.write(rejects(2, 8))
    lines = path.read_bytes().splitlines()
    assert [0, 1, 2, 3, 4] == [orjson.loads(line)["offset"] for line in lines[:5]]
    assert [5, 6, 7] == [orjson.loads(line)["offset"] for line in lines[6:]]


def test_size_is_bounded(tmp_path: Path) -> None:
    """The file is put aside once and the one before dropped."""
    path = tmp_path / "dead.ndjson"
    letters = DeadLetters(path, limit_bytes=20_000)
    for i in range(100):
        letters.write(rejects(i, i + 1, b"x" * 4096))
    assert {"dead.ndjson.1"} <= {file.name for file in tmp_path.iterdir()} <= {"dead.ndjson", "dead.ndjson.1"}
    assert 2 * 25_000 > sum(file.stat().st_size for file in tmp_path.iterdir())


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """They are kept in base64."""
    path = tmp_path / "dead.ndjson"
    DeadLetters(path).write(rejects(0, 1, b"\xff\x00"))
    entry = orjson.loads(path.read_bytes())
    assert b"\xff\x00" == base64.b64decode(entry["base64"])
    assert "text" not in entry


def test_no_room(tmp_path: Path) -> None:
    """Where nothing can be written the records are counted as lost and nothing is raised."""
    letters = DeadLetters(tmp_path / "no" / "such" / "folder.ndjson")
    letters.write(rejects(0, 3))
    assert 3 == letters.lost
    DeadLetters(None).write(rejects(0, 3))
