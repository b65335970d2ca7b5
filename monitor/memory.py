"""How the process is given memory, and when Python looks for what it can give back."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""The parameters' numbers in malloc.h."""

FROM_HEAP = 8 * 2**20
"""Arrays of up to so many bytes are taken from the heap; larger ones are pages that go back when they are freed."""

HEAP_KEPT = 32 * 2**20
"""Bytes that may lie free at the heap's end: what reading one block takes. To give it back after each block and to ask
for it anew costs a sixteenth of a daemon's processor time, and a third where one thread decodes alone."""

SELDOM = (20_000, 20, 50)
"""How many new objects, and looks among these, go by before Python looks for cycles while it starts. With its own 700
that took a twentieth of the processor time of a start, in which next to nothing becomes garbage."""

_USUAL = gc.get_threshold()


def tune_memory() -> None:
    """Look for cycles seldom until `started`; let glibc serve all threads from one arena, and keep a block's memory.

    With an arena for each thread more of what was freed lies about unused. Where there is another C library, its
    allocator stays as it is. To be called before there is a second thread.
    """
    gc.set_threshold(*SELDOM)
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_ARENA_MAX, 1)
        mallopt(M_MMAP_THRESHOLD, FROM_HEAP)
        mallopt(M_TRIM_THRESHOLD, HEAP_KEPT)


def started() -> None:
    """Look for cycles as often as Python does: what is large would wait in them."""
    gc.set_threshold(*_USUAL)
