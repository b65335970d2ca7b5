"""References from files: read as built, or fitted from data at start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from detectors.archive import ArchiveError
from detectors.profile import Profile
from detectors.reference import Reference
from monitor.records import LATENCY, STATUS
from monitor.references import References
from monitor.sources.base import SourceError
from monitor.sources.whole import read_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detectors.layout import Column
    from monitor.decode.mapping import Records
    from monitor.settings import MonitorSettings, Settings
    from monitor.state.state import State
    from monitor.windows.book import ClosedWindow

SUFFIX = ".driftref"


class ReferenceUnusableError(Exception):
    """A reference cannot be read or fitted.

    Attributes:
        hint: what the operator can do.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def fit_reference(frame: pl.DataFrame, columns: Sequence[Column], provenance: str = "") -> Reference:
    """A reference of rows in canonical columns; response times and statuses have their bins even where it has none.

    Raises:
        ReferenceUnusableError: there is nothing to fit.
    """
    absent = {LATENCY: pl.Float64, STATUS: pl.Int16}
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in absent.items() if name not in frame.columns]
    try:
        return Reference.fit(frame.with_columns(missing), columns, provenance=provenance)
    except ValueError as error:
        raise ReferenceUnusableError(
            f"{provenance}: {error}", "do the paths under `records` fit the reference data?"
        ) from error


def load_reference(path: Path, records: Records) -> Reference:
    """A built reference, or one fitted from a data file under the mapping of the records.

    Raises:
        ReferenceUnusableError: there is no such file, or it cannot be used.
    """
    try:
        if path.suffix == SUFFIX:
            return Reference.from_bytes(path.read_bytes())
        rows = read_rows([str(path)], records)
    except OSError as error:
        hint = "build one with: driftd reference build DATA --output reference.driftref"
        raise ReferenceUnusableError(f"{path} cannot be read: {error.strerror or error}", hint) from error
    except (ArchiveError, SourceError) as error:
        hint = "build it anew with: driftd reference build DATA --output reference.driftref"
        raise ReferenceUnusableError(f"{path}: {error}", hint) from error
    return fit_reference(rows.frame, rows.columns, path.name)


def load_references(monitor: MonitorSettings, state: State) -> References:
    """The yardsticks of a monitor.

    Raises:
        ReferenceUnusableError: the reference's file cannot be used.
    """
    main = load_reference(monitor.reference.path, monitor.records)

    def stored(window: ClosedWindow, start: int) -> Profile | None:
        key = window.key
        found = state.windows.profile_at(monitor.name, key.version, key.segment, window.spec.name, start)
        return None if found is None else Profile.from_bytes(main.layout, found)

    return References(main, monitor.reference.type, stored)


def try_references(settings: Settings) -> None:
    """Load every reference, to learn whether a new configuration can be used.

    Raises:
        ReferenceUnusableError: one cannot.
    """
    for monitor in settings.monitors:
        load_reference(monitor.reference.path, monitor.records)
