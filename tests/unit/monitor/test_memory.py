"""How the C library gives out memory in a process of driftd."""

import platform
import subprocess
import sys

import pytest

SIZES = (5 * 2**20, 3 * 2**20, 4 * 2**20)
"""Bytes of arrays as reading a block makes them."""

ROUNDS = 20
BLOCKS = f"""
import resource, sys
import numpy as np
from monitor.memory import tune_memory
if "tuned" in sys.argv:
    tune_memory()
def block():
    arrays = [np.ones(size, np.uint8) for size in {SIZES}]
block()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range({ROUNDS}):
    block()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def fresh_pages(*words: str) -> int:
    """Pages that the system had to give while blocks of arrays came and went, after the first of them."""
    done = subprocess.run([sys.executable, "-c", BLOCKS, *words], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc gives out memory")
def test_the_memory_of_a_block_serves_the_next_one() -> None:
    """It is not given back in between: each page of it would have to be cleared anew."""
    assert fresh_pages("tuned") < fresh_pages() / 4
