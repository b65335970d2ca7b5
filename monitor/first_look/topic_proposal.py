"""A configuration for topics: the first messages stand for what is to come."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.first_look.proposal import Proposal, Topics, propose
from monitor.first_look.topic import look_at_topics

if TYPE_CHECKING:
    from monitor.sources.kafka.address import Address

MOST_MESSAGES = 200_000


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
        sample = Path(folder) / f"{address.topics[0]}.ndjson"
        sample.write_bytes(b"\n".join([*look.lines, b""]))
        topics = Topics(address.topics[0], source, look.clock)
        found = propose(str(sample), output, given, reference=reference, window=window, topics=topics)
    if look.rejects:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in look.rejects.most_common())
        found.remarks.append(f"messages that are no records: {reasons}")
    return found
