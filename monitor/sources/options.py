"""What the options of every source have in common."""

from __future__ import annotations

from abc import abstractmethod

from monitor.decode.decoder import Decoder
from monitor.decode.mapping import Records
from monitor.settings.options import Options
from monitor.sources.base import Source


class SourceOptions(Options):
    """Options of one kind of source, told apart by their field `type`."""

    max_record_bytes: int = 2**20
    """Longer records are refused and go to the dead letters."""

    @property
    def message_sides(self) -> frozenset[str]:
        """Of which messages the mapping may name values (`@key`, `@request.key`); see `Decoder.messages`.

        "" stands for the messages of a topic, `request`, `response`, `label` and `join` for those of a join.
        """
        return frozenset()

    def fit(self, records: Records) -> None:
        """See whether the options go together with the mapping.

        Raises:
            ValueError: they do not.
        """

    @abstractmethod
    def open(self, decoder: Decoder, monitor: str) -> Source:
        """Make the source; nothing is read before its first poll.

        Args:
            decoder: of the source's records.
            monitor: whose source it is; names what it shares with other processes.
        """

    def once(self) -> SourceOptions:
        """The options of a source that ends where the data ends now, for replays."""
        return self
