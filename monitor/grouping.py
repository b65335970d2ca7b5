"""Which pane each row of a batch belongs to, for whole blocks of rows at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from monitor.records import SEGMENT_PREFIX, VERSION
from monitor.windows.spec import Key

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

OTHER = "other"
NULL = "null"


@dataclass(frozen=True, slots=True)
class Labels:
    """A text column as codes: int64, shape (n,), into `names`."""

    codes: npt.NDArray[np.int64]
    names: tuple[str, ...]


@dataclass
class Bounded:
    """Known values of a label column, first come first served; beyond the limit they are `other`.

    Attributes:
        limit: most values that keep their own name.
        known: the values, in order of appearance.
    """

    limit: int
    known: list[str] = field(default_factory=list)

    def labels(self, series: pl.Series) -> Labels:
        """Codes of a column's values; nulls are the value `null`."""
        texts = series.cast(pl.String).fill_null(NULL)
        alike = _all_alike(texts)
        present = texts.head(1) if alike else texts.unique(maintain_order=True)
        for name in present.to_list():
            if name not in self.known and len(self.known) < self.limit:
                self.known.append(name)
        names = (*self.known, OTHER)
        place = {name: i for i, name in enumerate(self.known)}
        mapped = [place.get(name, len(self.known)) for name in present.to_list()]
        if alike:
            return Labels(np.full(texts.len(), mapped[0], dtype=np.int64), names)
        physical = texts.cast(pl.Enum(present)).to_physical().to_numpy()
        return Labels(np.asarray(mapped, dtype=np.int64)[physical], names)


def _all_alike(texts: pl.Series) -> bool:
    """Whether all rows hold one value, as nearly all batches do; texts differ at their smallest or their largest."""
    return bool(texts.len()) and texts.min() == texts.max()


def single(rows: int) -> Labels:
    """All rows under the empty label."""
    return Labels(np.zeros(rows, dtype=np.int64), ("",))


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows by key and pane.

    Attributes:
        index: group of each row, int64, shape (n,).
        members: key and pane start of each group.
    """

    index: npt.NDArray[np.int64]
    members: Sequence[tuple[Key, int]]


def group_by_pane(
    versions: Labels, segments: Labels, prefix: str, panes: npt.NDArray[np.int64], pane: int
) -> Groups:
    """Group rows by version, segment and pane.

    Args:
        versions: version of each row.
        segments: segment value of each row.
        prefix: what a segment's name begins with (`region=`), "" for all rows together.
        panes: pane number of each row, int64, shape (n,).
        pane: length of a pane, in the windows' unit.
    """
    first = int(panes.min(initial=0)) if len(panes) else 0
    span = int(panes.max(initial=first)) - first + 1 if len(panes) else 1
    labels = versions.codes * len(segments.names) + segments.codes
    combined = labels * span + (panes - first)
    found, index = _compact(combined, len(versions.names) * len(segments.names) * span)
    members = []
    for code in found.tolist():
        label, number = divmod(code, span)
        version, segment = divmod(label, len(segments.names))
        key = Key(versions.names[version], prefix + segments.names[segment] if prefix else "")
        members.append((key, (number + first) * pane))
    return Groups(index, members)


def _compact(codes: npt.NDArray[np.int64], size: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The distinct codes, ascending, and each row's place among them; without sorting where codes are few."""
    if len(codes) and codes[0] == codes[-1] and codes.min() == codes.max():
        return codes[:1], np.zeros(len(codes), dtype=np.int64)
    if size > 4 * len(codes) + 1024:
        return np.unique(codes, return_inverse=True)
    present = np.bincount(codes, minlength=size) > 0
    return np.flatnonzero(present), (np.cumsum(present) - 1)[codes]


def version_labels(frame: pl.DataFrame, bound: Bounded) -> Labels:
    """Model version of each row; one empty label where records carry none."""
    return bound.labels(frame[VERSION]) if VERSION in frame.columns else single(frame.height)


def segment_columns(frame: pl.DataFrame) -> dict[str, pl.Series]:
    """The configured segment columns of a batch by name."""
    return {
        name.removeprefix(SEGMENT_PREFIX): frame[name]
        for name in frame.columns
        if name.startswith(SEGMENT_PREFIX)
    }
