"""What a test needs from the machine around it: there, or the test is skipped with the reason.

With `DRIFTD_TEST_STRICT=1` (CI sets it) a missing tool or module fails the test instead: a green run has then
run everything.
"""

import importlib
import os
import shutil
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""


def _missing(reason: str, *, fail: bool) -> NoReturn:
    if fail:
        pytest.fail(f"{reason} (a failure because the environment promises it)", pytrace=False)
    pytest.skip(reason)


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it where everything is promised to be there."""
    _missing(reason, fail=os.environ.get("DRIFTD_TEST_STRICT") == "1")


def tool(*names: str) -> Path:
    """The path of the first program of these names; on the path or in /usr/sbin."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    for name in names:
        if found := shutil.which(name, path=path):
            return Path(found)
    missing(f"needs the program {' or '.join(names)}")


def module(name: str) -> ModuleType:
    """The imported module, for packages that are not in the extra `test`."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        missing(f"needs the module {name}: {error}")


def shared(part: str = "") -> Path:
    """A file or folder of the data that is kept beside the checkout, not in it.

    It is looked for in `$DRIFTD_SHARED`, then in `../shared`. Where the variable is set, its content is
    promised.
    """
    promised = os.environ.get("DRIFTD_SHARED")
    path = Path(promised or ROOT.parent / "shared") / part
    if not path.exists():
        _missing(f"needs {path}: data that is kept beside the checkout", fail=promised is not None)
    return path
