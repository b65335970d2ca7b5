"""How a process of driftd is given memory, and when it looks for what it can give back."""

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


def test_a_start_is_not_held_up_by_looking_for_cycles() -> None:
    """Python looks among all objects not once while a daemon's modules are loaded."""
    code = "import gc, monitor.memory as m; m.tune_memory(); import monitor.daemon; print(gc.get_stats()[2])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'collections': 0" in done.stdout


def test_python_looks_for_cycles_as_usual_once_started() -> None:
    """What is large and in a cycle does not wait for long."""
    code = "import gc, monitor.memory as m; was = gc.get_threshold(); m.tune_memory(); m.started(); "
    code += "print(was == gc.get_threshold(), gc.isenabled())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "True True" == done.stdout.strip()
