"""A configuration for topics: the first messages stand for what is to come."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from monitor.decode.times import microseconds
from monitor.first_look.proposal import Proposal, Topics, propose
from monitor.first_look.raw import look_at_lines
from monitor.first_look.topic import Longs, TopicLook, look_at_topics
from monitor.two_files import guess

if TYPE_CHECKING:
    from monitor.sources.kafka.address import Address

MOST_MESSAGES = 200_000


def _record_times(look: TopicLook, given: Mapping[str, Sequence[str]]) -> Longs:
    """The times that the records hold, microseconds; those of their messages where they hold none."""
    raw = look_at_lines(b"\n".join(look.lines), "the messages")
    name = guess(raw, given).of.get("timestamp")
    if name is None or raw.frame.height != len(look.lines):
        return look.times
    times = microseconds(raw.frame[name])
    return look.times if times.null_count() else times.to_numpy()


def propose_for_topics(
    address: Address,
    seconds: float,
    output: Path,
    given: Mapping[str, Sequence[str]],
    *,
    reference: Path | None = None,
    window: str | None = None,
) -> Proposal:
    """Look at topics from their beginning and propose a configuration; nothing is written but a temporary file.

    Args:
        address: the topics.
        seconds: how long to wait for messages where there are none.
        output: where the configuration will be.
        given: columns by role, as the user says.
        reference: other data, or a built reference.
        window: `1h` or `1000rows`; None to choose.

    Raises:
        SourceError: the cluster or a topic cannot be read.
        NoDataError: there is no message, or none is a record.
        TooFewRowsError, ReferenceUnusableError, UnfitWindowError, UnknownColumnError: see `propose`.
    """
    look = look_at_topics(address, MOST_MESSAGES, newest=False, seconds=seconds)
    source = {"type": "kafka", **address.options, "topics": list(address.topics)}
    with tempfile.TemporaryDirectory(prefix="driftd-init-") as folder:
        order = look.order(_record_times(look, given))
        sample = Path(folder) / f"{address.topics[0]}.ndjson"
        sample.write_bytes(b"\n".join([*(look.lines[i] for i in order.tolist()), b""]))
        times = pl.Series(look.times[order]) if look.timed else None
        topics = Topics(address.topics[0], source, times)
        found = propose(str(sample), output, given, reference=reference, window=window, topics=topics)
    if look.rejects:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in look.rejects.most_common())
        found.remarks.append(f"messages that are no records: {reasons}")
    return found
