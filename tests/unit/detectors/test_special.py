"""What scipy's special functions are loaded with."""

import subprocess
import sys

import numpy as np
import scipy.special

from detectors import special

LOADED = """
import sys
from detectors import special
special.ndtri(0.5)
print(sorted({"numpy.f2py", "numpy.ma", "numpy.testing"} & set(sys.modules)))
import numpy
offered = set(dir(numpy)) & set(numpy.__all__)
print(numpy.ma.masked_array([1, 2], [False, True]).sum(), {"f2py", "ma", "testing"} <= offered)
import scipy.stats
print(scipy.stats.norm.cdf(0.0), scipy.stats.mstats.gmean([4.0, 9.0]))
"""


def test_functions_are_those_of_scipy() -> None:
    """They are found by their names."""
    assert special.chdtrc is scipy.special.chdtrc
    assert np.isclose(special.ndtri(0.975), 1.959964)


def test_what_nothing_needs_is_not_loaded() -> None:
    """Heavy parts of numpy stay out of a process that does not ask for them; numpy and scipy offer them as ever."""
    found = subprocess.run([sys.executable, "-c", LOADED], check=True, capture_output=True, text=True)
    assert ["[]", "1 True", "0.5 6.0"] == [line.strip() for line in found.stdout.splitlines()]
