"""What polars raises over a damaged table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from monitor.sources.base import SourceError


@contextmanager
def no_panic() -> Iterator[None]:
    """Polars panics, and that is no `Exception`, over a file whose footer is right and whose pages are not there.

    Raises:
        polars.exceptions.ComputeError: it did.
    """
    try:
        yield
    except pl.exceptions.PanicException as error:
        raise pl.exceptions.ComputeError("its pages are not where its footer says") from error


@contextmanager
def told(what: str) -> Iterator[None]:
    """What polars says against reading something is an error of the source.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        with no_panic():
            yield
    except pl.exceptions.PolarsError as error:
        raise SourceError(f"cannot read {what}: {error}") from error
