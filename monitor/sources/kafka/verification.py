"""The fast unpacker takes the place of kafka-python's own only after both gave the same.

It goes in under private names of kafka-python. So the version and the names are looked at first, and the first fetch
with records is unpacked both ways; on any difference the consumer goes on with kafka-python's own unpacker.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import structlog

from monitor.sources.kafka.messages import Messages

if TYPE_CHECKING:
    from monitor.sources.kafka.fast_records import FastRecords
    from monitor.sources.kafka.sampling import Sampling
    from monitor.sources.kafka.stock_records import StockRecords

VERSIONS = "3.0."
"""What kafka-python's version begins with where this was tested."""

ARGUMENTS = (
    "self", "fetch_offset", "tp", "records", "key_deserializer", "value_deserializer", "check_crcs",
    "isolation_level", "aborted_transactions", "metric_aggregator", "on_drain",
)  # fmt: skip
METHODS = (
    "take",
    "drain",
    "__bool__",
    "_consume_aborted_transactions_up_to",
    "_maybe_skip_record",
    "_unpack_records",
)
COLUMNS = ("offsets", "timestamps", "header_counts")

log = structlog.get_logger()


@dataclass
class Unpacking:
    """Makes the unpacker of each fetch of one consumer.

    Attributes:
        sampling: which messages to keep; None: all.
        mode: `verifying` until a fetch with records was unpacked both ways, then `fast` or `stock`.
        reason: why it is `stock`.
        installed: `poll` gives lists of `Messages`, and its `max_records` counts these; else it gives ConsumerRecords.
        epoch_at: the epoch of the last record before an offset of a partition, -1 where unknown.
    """

    sampling: Sampling | None = None
    mode: Literal["verifying", "fast", "stock"] = "verifying"
    reason: str = ""
    installed: bool = False
    epoch_at: Callable[[Any, int], int] = lambda _partition, _offset: -1

    def __call__(
        self, fetch_offset: int, tp: Any, records: Any, **options: Any
    ) -> FastRecords | StockRecords:
        """The unpacker of a fetch; arguments of kafka-python's `PartitionRecords`."""
        from monitor.sources.kafka.fast_records import FastRecords
        from monitor.sources.kafka.record_batches import is_old
        from monitor.sources.kafka.stock_records import StockRecords

        old = is_old(records._buffer or b"")  # noqa: SLF001 - what kafka-python's own unpacker iterates over
        if self.mode == "verifying" and not old:
            self._verify(fetch_offset, tp, records, options)
        slow = old or self.mode == "stock"
        found = (StockRecords if slow else FastRecords)(fetch_offset, tp, records, **options)
        found.sampling = self.sampling
        # with its own -1 a fetch without records would make the consumer forget at which epoch it stands
        found.leader_epoch = self.epoch_at(tp, fetch_offset)
        return found

    def messages(self, found: Sequence[Any], next_offset: int | None = None) -> list[Messages]:
        """What `poll` gave for one partition, as messages either way.

        Args:
            found: Messages, or ConsumerRecords where this is not installed; at least one.
            next_offset: the consumer's position, for ConsumerRecords.
        """
        if isinstance(found[0], Messages):
            return list(found)
        piece = Messages.from_records(found, next_offset)
        return [self.sampling.sample(piece).compact() if self.sampling else piece]

    def fall_back(self, reason: str, version: str) -> None:
        """Go on with kafka-python's own unpacker."""
        self.mode, self.reason = "stock", reason
        hint = (
            "Reading goes on, at a fraction of the speed. Please report it with the version of kafka-python."
        )
        log.warning("kafka fast path off", reason=reason, version=version, hint=hint)

    def _verify(self, fetch_offset: int, tp: Any, records: Any, options: dict[str, Any]) -> None:
        """Unpack a fetch both ways; decides the mode where there is something to compare."""
        from monitor.sources.kafka.fast_records import FastRecords
        from monitor.sources.kafka.stock_records import StockRecords

        quiet = {**options, "metric_aggregator": None, "on_drain": lambda _records: None}

        def unpack(kind: type[FastRecords | StockRecords]) -> Messages | str:
            twin = kind(fetch_offset, tp, type(records)(records._buffer), **quiet)  # noqa: SLF001 - see above
            return _whole(twin, tp, fetch_offset)

        stock, fast = unpack(StockRecords), unpack(FastRecords)
        difference = compare(stock, fast)
        if difference:
            self.fall_back(f"{tp.topic}/{tp.partition} from {fetch_offset}: {difference}", _version())
        elif isinstance(fast, Messages) and len(fast):
            self.mode = "fast"
            log.debug("kafka fast path on", compared=len(fast), version=_version())


def install(consumer: Any, sampling: Sampling | None = None) -> Unpacking:
    """Let a KafkaConsumer's `poll` give `Messages` instead of ConsumerRecords.

    Where kafka-python is not as expected, the consumer is left as it is, with a warning.
    """
    unpacking = Unpacking(sampling)
    problem = unexpected(consumer)
    if problem:
        unpacking.fall_back(problem, _version())
    else:
        consumer._fetcher.PartitionRecords = unpacking  # noqa: SLF001 - see the module's first lines
        unpacking.installed = True
        unpacking.epoch_at = partial(_epoch_at, consumer._subscription)  # noqa: SLF001 - see above
    return unpacking


def _epoch_at(subscription: Any, partition: Any, offset: int) -> int:
    state = subscription.assignment.get(partition)
    position = None if state is None else state.position
    return -1 if position is None or position.offset != offset else int(position.leader_epoch)


def unexpected(consumer: Any) -> str:
    """What is not as expected in kafka-python; "" where all is."""
    if not _version().startswith(VERSIONS):
        return f"kafka-python {_version()} was not tested, {VERSIONS}x was"
    records = getattr(getattr(consumer, "_fetcher", None), "PartitionRecords", None)
    if records is None:
        return "KafkaConsumer._fetcher.PartitionRecords is missing"
    if not hasattr(getattr(consumer, "_subscription", None), "assignment"):
        return "KafkaConsumer._subscription.assignment is missing"
    if tuple(inspect.signature(records.__init__).parameters) != ARGUMENTS:
        return "PartitionRecords takes other arguments"
    missing = [name for name in METHODS if not hasattr(records, name)]
    return f"PartitionRecords lacks {', '.join(missing)}" if missing else ""


def compare(stock: Messages | str, fast: Messages | str) -> str:
    """The first thing in which two ways to unpack a fetch differ; "" where they agree."""
    if isinstance(stock, str) or isinstance(fast, str):
        gave = [way if isinstance(way, str) else f"{len(way)} messages" for way in (stock, fast)]
        return "" if stock == fast else f"kafka-python gave {gave[0]}, the fast way {gave[1]}"
    for name in ("next_offset", "leader_epoch", "gaps"):
        if getattr(stock, name) != getattr(fast, name):
            return f"{name} {getattr(stock, name)} and {getattr(fast, name)}"
    for name in COLUMNS:
        if getattr(stock, name).tolist() != getattr(fast, name).tolist():
            return f"other {name}"
    if stock.keys() != fast.keys() or stock.values() != fast.values():
        return "other keys or values"
    rows = fast.header_counts.nonzero()[0].tolist()
    return "other headers" if any(stock.headers(i) != fast.headers(i) for i in rows) else ""


def _whole(unpacker: FastRecords | StockRecords, tp: Any, fetch_offset: int) -> Messages | str:
    """All that a fetch holds; the name of the error where it cannot be read."""
    pieces = [Messages.empty(tp.topic, tp.partition, fetch_offset)]
    try:
        while unpacker:
            pieces += unpacker.take()
    except Exception as error:  # noqa: BLE001 - whatever it is, the other way is there
        return type(error).__name__
    return Messages.concat(pieces)


def _version() -> str:
    from kafka.version import __version__

    return str(__version__)
