"""Codes of text columns without a Python object for each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.workspace import BLOCK, Workspace

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

HASH_SEED = 1
_MOST_BITS = 14
_QUICK = 4
"""Widths of which the lowest and highest bits are tried first: a table that is larger than that costs more."""

_MOST_VALUES = 512
_MOST_PHYSICAL = 1 << 20
_WORD = 64


def hashes_of(series: pl.Series) -> Hashes:
    """64-bit hash of each value, of null too: the same for the same text within one version of polars."""
    return series.hash(HASH_SEED).to_numpy()


@dataclass(frozen=True, eq=False)
class HashTable:
    """Known texts in a table without collisions: the slot of a text is some of its hash's bits.

    Attributes:
        shift, mask: slot = (hash >> shift) & mask.
        hashes: uint64, shape (slots,): the hash of the text that lives in each slot, 0 where none does.
        codes: int64, shape (slots,): its code, -1 where none lives.
    """

    shift: np.uint64
    mask: np.uint64
    hashes: Hashes
    codes: Ints

    @classmethod
    def of(cls, texts: Mapping[str, int], null: int) -> HashTable | None:
        """A table of the texts and of null; None where they are too many for one without collisions."""
        if len(texts) > _MOST_VALUES:
            return None
        hashes = hashes_of(pl.Series([*texts, None], dtype=pl.String))
        codes = np.fromiter((*texts.values(), null), np.int64)
        for shift, bits in _tables(hashes.size):
            mask = np.uint64((1 << bits) - 1)
            slots = (hashes >> np.uint64(shift)) & mask
            if np.unique(slots).size == slots.size:
                table = cls(np.uint64(shift), mask, np.zeros(1 << bits, np.uint64), np.full(1 << bits, -1))
                table.hashes[slots], table.codes[slots] = hashes, codes
                return table
        return None

    def slots(self, hashes: Hashes, out: Hashes | None = None) -> Ints:
        """The slot of each hash; `out` is a buffer of the same size."""
        if not self.shift:
            return np.bitwise_and(hashes, self.mask, out=out).view(np.int64)
        words = np.right_shift(hashes, self.shift, out=out)
        if not self._highest:
            np.bitwise_and(words, self.mask, out=words)
        return words.view(np.int64)

    @cached_property
    def _highest(self) -> bool:
        """Whether the slot is a hash's highest bits, so that nothing is left to be masked."""
        return int(self.shift) + int(self.mask).bit_length() == _WORD

    @cached_property
    def living(self) -> Ints:
        """The slots in which a text or null lives."""
        return np.flatnonzero(self.codes >= 0)

    def codes_of(self, hashes: Hashes, unseen: int) -> Ints:
        """The code of each hash, int64, shape (n,); `unseen` for those of strangers."""
        slots = self.slots(hashes)
        codes = self.codes.take(slots)
        codes[self.hashes.take(slots) != hashes] = unseen
        return codes

    def count_all(self, hashes: Hashes, space: Workspace) -> tuple[Ints, Ints]:
        """Rows in each slot, and the places of strangers, which are not counted.

        That all rows of a block are known follows from the sum of their hashes, modulo 2^64: a stranger goes unnoticed
        with probability 2^-64.
        """
        total = np.zeros(self.codes.size, np.int64)
        strangers = [np.zeros(0, np.int64)]
        for start in range(0, hashes.size, BLOCK):
            block = hashes[start : start + BLOCK]
            slots = self.slots(block, space.cells[: block.size].view(np.uint64))
            counts = np.bincount(slots, minlength=self.codes.size)
            expected = (counts.astype(np.uint64) * self.hashes).sum(dtype=np.uint64)
            if expected != block.sum(dtype=np.uint64) or counts[self.living].sum() != block.size:
                strange = self.hashes.take(slots) != block
                counts = np.bincount(slots[~strange], minlength=self.codes.size)
                strangers.append(np.flatnonzero(strange) + start)
            total += counts
        return total, np.concatenate(strangers)


def _tables(texts: int) -> Iterator[tuple[int, int]]:
    """Shift and number of bits of the tables to try: small ones before large ones.

    The lowest and the highest bits of a hash, which one operation finds, before those in between.
    """
    widths = range(max(texts.bit_length(), 4), _MOST_BITS + 1)
    yield from ((shift, bits) for bits in widths[:_QUICK] for shift in (0, _WORD - bits))
    yield from ((shift, bits) for bits in widths for shift in range(_WORD - bits + 1))


def physical_codes(series: pl.Series, known: Mapping[str, int], unseen: int, null: int) -> tuple[Ints, Ints]:
    """Whole numbers for the values of an Enum or Categorical column, and the code of each such number.

    Returns:
        keys: shape (n,), unsigned or int64, and codes: int64, such that codes[keys] are the rows' codes.
    """
    physical = series.to_physical()
    top = physical.max()
    size = (top if isinstance(top, int) else -1) + 1
    if size > _MOST_PHYSICAL:
        texts = series.cast(pl.String)
        distinct = texts.unique().drop_nulls().to_list()
        return physical_codes(texts.cast(pl.Enum(distinct)), known, unseen, null)
    keys = physical.cast(pl.UInt32).fill_null(size).to_numpy()
    codes = np.full(size + 1, unseen, np.int64)
    codes[size] = null
    if isinstance(series.dtype, pl.Enum):
        present, texts = np.arange(size), series.dtype.categories.head(size)
    else:
        example = np.zeros(size + 1, np.int64)
        example[keys] = np.arange(keys.size)
        present = np.flatnonzero(np.bincount(keys, minlength=size + 1)[:size])
        texts = series.gather(example[present]).cast(pl.String)
    codes[present] = [known.get(text, unseen) for text in texts.to_list()]
    return keys, codes


def as_categories(series: pl.Series) -> pl.Series:
    """The series as Enum or Categorical."""
    if isinstance(series.dtype, pl.Categorical | pl.Enum):
        return series
    return series.cast(pl.Enum(series.unique().drop_nulls()))
