"""A history that somebody writes at full speed while it is read."""

from pathlib import Path

import pytest

from monitor.windows import watermark
from tests.brokers.operations import Operations, Record
from tests.integration.kafka.members import Member, row, until

pytestmark = [pytest.mark.integration, pytest.mark.kafka]

MIDNIGHT = 64_000
"""Number of the first row of another day, and so of another window."""


def test_rows_of_one_partition_after_those_of_another_are_not_late(
    kafka: Operations, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour over the end of a window is written to one partition, and read, before it is written to the next."""
    monkeypatch.setattr(watermark, "PATIENCE", 600_000_000)
    kafka.create_topic(topic, 4)
    member = Member(tmp_path, {"brokers": kafka.address, "topics": topic})
    until(lambda: member.assigned() == 4)
    written = 0
    for first in range(4):
        rows = range(MIDNIGHT - 6000 + first, MIDNIGHT + 30_000, 12)
        kafka.produce(topic, [Record(row(i), partition=first) for i in rows])
        written += len(rows)
        until(lambda: member.outcome() + member.outcome("late") >= written)  # noqa: B023 - called at once
    member.stop()
    assert (written, 0) == (member.outcome(), member.outcome("late"))
