"""Codes of text: right for few and for many categories, known, unknown and null."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.binning import CategoricalBinning, binning_from_json
from detectors.layout import Column, Kind
from detectors.layout_fit import fit_layout
from detectors.profile import profile_groups, profile_rows

words = st.one_of(st.none(), st.sampled_from(["a", "b", "", "ä", "a" * 40, "0"]), st.text(max_size=4))


@given(
    reference=st.lists(words, min_size=1, max_size=60),
    rows=st.lists(words, max_size=60),
    cap=st.integers(1, 5),
)
def test_codes_are_positions_in_the_list_of_values(
    reference: list[str | None], rows: list[str | None], cap: int
) -> None:
    """Known values have their place, rarer ones `other`, new ones `unseen`, null the slot after the bins."""
    binning = CategoricalBinning.fit(pl.Series(reference, dtype=pl.String), cap)
    seen = {word for word in reference if word is not None}
    assert min(cap, len(seen)) == len(binning.values)
    assert seen == set(binning.values) | binning.others
    expected = [
        binning.size
        if word is None
        else binning.values.index(word)
        if word in binning.values
        else binning.other
        if word in seen
        else binning.unseen
        for word in rows
    ]
    series = pl.Series(rows, dtype=pl.String)
    assert expected == binning.codes(series).tolist()
    assert expected == binning.codes(series.cast(pl.Categorical)).tolist()
    assert binning == binning_from_json(json.loads(json.dumps(binning.to_json())))


@pytest.mark.parametrize("categories", [3, 300, 900, 5000])
def test_any_number_of_categories_is_counted_right(categories: int) -> None:
    """Columns of few and of thousands of values: counts equal a plain count, in one piece and in groups."""
    rng = np.random.default_rng(categories)
    names = [f"category {i}" for i in range(categories)]
    reference = pl.DataFrame({"x": rng.choice(names, 20_000)})
    layout = fit_layout(reference, [Column("x", Kind.CATEGORICAL)])
    binning = layout.binnings[0]
    assert isinstance(binning, CategoricalBinning)
    frame = pl.DataFrame({"x": rng.choice([*names, "new one", "new two"], 6000)})
    frame = frame.with_columns(
        pl.when(pl.int_range(6000) % 50 == 0).then(None).otherwise(pl.col("x")).alias("x")
    )
    texts = frame["x"].to_list()
    profile = profile_rows(layout, frame)
    for code in range(0, len(binning.values), 97):
        assert texts.count(binning.values[code]) == profile.values(0)[code]
    assert sum(text in binning.others for text in texts) == profile.values(0)[binning.other]
    strange = [text for text in texts if text is not None and text not in binning.table]
    assert len(strange) == profile.values(0)[binning.unseen]
    assert 120 == profile.special(0, "null")
    if strange:
        kept = profile.unseen[0]
        assert min(64, len(set(strange))) == len(kept.values)
        assert [strange.count(value) for value in kept.values] == kept.counts.tolist()
    merged = profile_groups(layout, frame, np.arange(6000) // 700, 9)
    assert profile.counts.tolist() == sum(part.counts for part in merged).tolist()  # type: ignore[union-attr]  # arrays


def test_rare_values_share_a_bin() -> None:
    """Beyond the cap values are `other`, the most frequent keep their own bin, ties by alphabet."""
    binning = CategoricalBinning.fit(pl.Series(["b", "b", "c", "a", "d", "d"]), 3)
    assert ("b", "d", "a") == binning.values
    assert {"c"} == set(binning.others)
