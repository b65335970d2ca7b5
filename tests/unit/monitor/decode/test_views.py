"""Pieces of a block as series."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from monitor.decode.views import HEAD, VIEW, Places, Words, _Texts, texts_at, views_of, windows_at

Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]


def laid_out(texts: list[str]) -> tuple[Words, Bytes]:
    """Views of texts that stand in one block with something between them."""
    pieces = [text.encode() for text in texts]
    data = np.frombuffer(b"".join(b"<<<<" + piece for piece in pieces) + bytes(VIEW), np.uint8)
    widths: Places = np.array([len(piece) for piece in pieces], np.intp)
    begins: Places = np.cumsum(widths + HEAD) - widths
    return views_of(windows_at(data, begins - HEAD), widths, begins), data


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40)))
def test_texts_are_what_stands_there(texts: list[str]) -> None:
    """Short ones, long ones, empty ones, of any characters."""
    assert texts_at(*laid_out(texts)).to_list() == texts


def test_nothing_made_of_texts_needs_the_block() -> None:
    """A cast and what is put together are series of their own; the block is free as soon as the texts are gone."""
    texts = ["1.5", "27", "a text of more than twelve bytes"] * 50
    found = texts_at(*laid_out(texts))
    assert _Texts.lent
    numbers = found.cast(pl.Float64, strict=False)
    own = found + ""
    del found
    assert not _Texts.lent
    assert own.to_list() == texts
    assert numbers.to_list() == [1.5, 27.0, None] * 50
