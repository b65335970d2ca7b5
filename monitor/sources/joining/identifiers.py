"""Identifiers as hashes: 128 bits for each message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from monitor.sources.joining.sides import Hashes, Mask

if TYPE_CHECKING:
    from monitor.decode.ids import IdReader
    from monitor.sources.kafka.messages import Messages

_FIRST_SEED, _SECOND_SEED = 0x6A6F696E, 0x68616C76


def hashed(reader: IdReader, messages: Messages) -> tuple[Hashes, Hashes, Mask]:
    """Two hashes of each message's identifier, and which messages have one.

    The same within one version of polars; what outlives the process is hashed anew. Two identifiers of a million are
    taken for one another with a probability of about 10^-27.
    """
    ids = reader.ids(messages)
    known = (ids.is_not_null() & (ids != "")).fill_null(value=False).to_numpy()
    return ids.hash(_FIRST_SEED).to_numpy(), ids.hash(_SECOND_SEED).to_numpy(), known


def version() -> str:
    """What hashes depend on."""
    return f"polars {pl.__version__}"
