"""Frozen categories of a column of text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from detectors.text_codes import HashTable, as_categories, hashes_of, physical_codes

CATEGORY_CAP = 4096


@dataclass(frozen=True)
class CategoricalBinning:
    """The reference's values by falling frequency, then *other*, then *unseen*.

    Attributes:
        values: the values with a bin of their own.
        others: values that the reference has, too rare for a bin of their own; they share the bin `other`.
    """

    values: tuple[str, ...]
    others: frozenset[str] = frozenset()

    @classmethod
    def fit(cls, values: pl.Series, cap: int = CATEGORY_CAP) -> CategoricalBinning:
        """Categories of the non-null values; ties in frequency in alphabetical order.

        Args:
            values: strings, shape (n,).
            cap: how many values get a bin of their own.
        """
        counted = values.drop_nulls().cast(pl.String).alias("value").value_counts(name="rows")
        ranked = counted.sort(["rows", "value"], descending=[True, False])["value"].to_list()
        return cls(tuple(ranked[:cap]), frozenset(ranked[cap:]))

    @property
    def size(self) -> int:
        """The values, other and unseen."""
        return len(self.values) + 2

    @property
    def other(self) -> int:
        """Code of the values that the reference knows but that are too rare for a bin."""
        return len(self.values)

    @property
    def unseen(self) -> int:
        """Code of the values that the reference never had."""
        return len(self.values) + 1

    @cached_property
    def table(self) -> dict[str, int]:
        """Code of each known value."""
        return {**dict.fromkeys(self.others, self.other), **{v: i for i, v in enumerate(self.values)}}

    @cached_property
    def hash_table(self) -> HashTable | None:
        """The known values and null (its code is `size`) by their hashes; None where they are too many."""
        return HashTable.of(self.table, self.size)

    def codes(self, values: pl.Series) -> npt.NDArray[np.int64]:
        """Code of each value of a String, Categorical or Enum series, shape (n,): 0 to size - 1, null is `size`."""
        table = self.hash_table
        if values.dtype == pl.String and table is not None:
            return table.codes_of(hashes_of(values), self.unseen)
        keys, codes = physical_codes(as_categories(values), self.table, self.unseen, self.size)
        return codes.take(keys)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"type": "categorical", "values": list(self.values), "others": sorted(self.others)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CategoricalBinning:
        """What `to_json` described."""
        return cls(tuple(data["values"]), frozenset(data["others"]))
