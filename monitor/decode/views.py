"""Pieces of a block of bytes as a series of texts, without a Python object for each.

An Arrow view of a text has 16 bytes: its length, then the text itself if it has at most 12 bytes, otherwise its first
four and where it stands. So the views of many texts are made by taking the 16 bytes from four before each, putting the
length over these four and blanking what is too much. Source: Arrow Columnar Format, Variable-size Binary View Layout;
Arrow C Data Interface; the Arrow PyCapsule Interface.
"""

from __future__ import annotations

import ctypes
from itertools import count
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

VIEW = 16
"""Bytes of a view."""

HEAD = 4
"""Bytes before a text that are taken with it, to make room for its length."""

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.intp]

_INLINE = VIEW - HEAD
_NULLABLE = 2


def windows_at(data: npt.NDArray[np.uint8], places: Places) -> Words:
    """The 16 bytes that begin at each place.

    Args:
        data: the bytes.
        places: from 0 to 16 before the end; any shape.

    Returns:
        Two words for each place; shape (*places.shape, 2).
    """
    whole = np.ndarray((len(data) - VIEW + 1,), f"V{VIEW}", data, 0, (1,))
    return whole[places.ravel()].view(np.uint64).reshape(*places.shape, VIEW // 8)


def views_of(windows: Words, widths: Places, begins: Places) -> Words:
    """Turn windows into views, in place.

    Args:
        windows: of the texts, each from four bytes before it; shape (..., 2), contiguous.
        widths: bytes of each text; shape (...).
        begins: where each text begins in its block; shape (...).
    """
    windows &= _KEPT.take(widths, axis=0, mode="clip")
    parts = windows.view(np.uint32)
    parts[..., 0] = widths
    np.copyto(parts[..., 3], begins, where=widths > _INLINE, casting="unsafe")
    return windows


def texts_at(views: Words, data: npt.NDArray[np.uint8]) -> pl.Series:
    """The texts of views.

    They share the memory of both arrays, so the series must not outlive the caller: what is made of it by a cast or by
    putting something behind each text has its own.

    Args:
        views: shape (texts, 2), contiguous.
        data: the block that they look at; valid UTF-8 at each of them.
    """
    return pl.Series(_Texts(views, data))


def _kept() -> Words:
    """By length of a text, the bytes of its window that its view keeps."""
    masks = np.zeros((_INLINE + 2, VIEW), np.uint8)
    for width in range(_INLINE + 1):
        masks[width, HEAD : HEAD + width] = 255
    masks[-1, HEAD : 2 * HEAD] = 255
    return masks.view(np.uint64)


_KEPT = _kept()


class _Schema(ctypes.Structure):
    """`struct ArrowSchema`."""


class _Array(ctypes.Structure):
    """`struct ArrowArray`."""


_ReleaseSchema = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))
_ReleaseArray = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))
_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.c_void_p),
    ("dictionary", ctypes.c_void_p),
    ("release", _ReleaseSchema),
    ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.c_void_p),
    ("children", ctypes.c_void_p),
    ("dictionary", ctypes.c_void_p),
    ("release", _ReleaseArray),
    ("private_data", ctypes.c_void_p),
]
_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype = ctypes.py_object
_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


def _forget_schema(schema: Any) -> None:
    schema.contents.release = _ReleaseSchema(0)


def _forget_array(array: Any) -> None:
    _Texts.lent.pop(array.contents.private_data, None)
    array.contents.release = _ReleaseArray(0)


_forgets_schema, _forgets_array = _ReleaseSchema(_forget_schema), _ReleaseArray(_forget_array)


class _Texts:
    """Views that hand themselves over through the Arrow PyCapsule Interface."""

    lent: ClassVar[dict[int, tuple[Any, ...]]] = {}
    """What polars looks at, until it says that it no longer does."""

    _numbers = count(1)

    def __init__(self, views: Words, data: npt.NDArray[np.uint8]) -> None:
        self._views, self._data = views, data

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """Capsules of the two structures; whoever takes them calls `release` when done."""
        lengths = np.array([self._data.nbytes], np.int64)
        arrays = (self._views, self._data, lengths)
        buffers = (ctypes.c_void_p * 4)(None, *(array.ctypes.data for array in arrays))
        number = next(self._numbers)
        at = ctypes.cast(buffers, ctypes.c_void_p)
        schema = _Schema(b"vu", b"", None, _NULLABLE, 0, None, None, _forgets_schema, None)
        array = _Array(len(self._views), 0, 0, len(buffers), 0, at, None, None, _forgets_array, number)
        self.lent[number] = (schema, array, buffers, arrays)
        return (
            _capsule(ctypes.addressof(schema), b"arrow_schema", None),
            _capsule(ctypes.addressof(array), b"arrow_array", None),
        )
