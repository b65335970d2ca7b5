"""Identifiers as hashes: 128 bits for each message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from monitor.sources.joining.sides import Hashes, Mask

if TYPE_CHECKING:
    from monitor.decode.ids import IdReader
    from monitor.sources.kafka.messages import Messages

_FIRST_SEED, _SECOND_SEED = 0x6A6F696E, 0x68616C76
_HASHES = (
    pl.col("id").hash(_FIRST_SEED).alias("first"),
    pl.col("id").hash(_SECOND_SEED).alias("second"),
    (pl.col("id").fill_null("") != "").alias("known"),
)


def hashed(reader: IdReader, messages: Messages) -> tuple[Hashes, Hashes, Mask]:
    """Two hashes of each message's identifier, and which messages have one.

    The same within one version of polars; what outlives the process is hashed anew. Two identifiers of a million are
    taken for one another with a probability of about 10^-27.
    """
    found = reader.ids(messages).alias("id").to_frame().select(_HASHES)
    first, second, known = (column.to_numpy() for column in found.get_columns())
    return first, second, known


def version() -> str:
    """What hashes depend on."""
    return f"polars {pl.__version__}"
