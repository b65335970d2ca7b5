"""How the process is given memory."""

from __future__ import annotations

import ctypes
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""The parameters' numbers in malloc.h."""

FROM_HEAP = 8 * 2**20
"""Arrays of up to so many bytes are taken from the heap; larger ones are pages that go back when they are freed."""

HEAP_KEPT = 32 * 2**20
"""Bytes that may lie free at the heap's end: what reading one block takes. To give it back after each block and to ask
for it anew costs a sixteenth of a daemon's processor time, and a third where one thread decodes alone."""


def tune_memory() -> None:
    """Let glibc serve all threads from one arena, and keep the memory of a block for the next one.

    With an arena for each thread more of what was freed lies about unused. Nothing happens where there is another C
    library. To be called before there is a second thread.
    """
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_ARENA_MAX, 1)
        mallopt(M_MMAP_THRESHOLD, FROM_HEAP)
        mallopt(M_TRIM_THRESHOLD, HEAP_KEPT)
