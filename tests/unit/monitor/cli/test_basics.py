"""Help, version, exit codes."""

import subprocess
import sys

import pytest

from monitor import __version__
from tests.commands import Driftd

COMMANDS = [
    ("run",), ("replay",), ("demo",), ("check",), ("init",), ("compare",), ("status",), ("reference", "build"),
    ("reference", "show"), ("deliveries", "list"), ("deliveries", "retry"),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_examples(driftd: Driftd, command: tuple[str, ...]) -> None:
    """`--help` of every command shows how it is used."""
    answer = driftd(*command, "--help")
    assert 0 == answer.code
    assert "Examples" in answer.out
    assert f"driftd {' '.join(command)}" in answer.out


@pytest.mark.parametrize("words", [("--version",), ("-V",), ("version",)])
def test_version(driftd: Driftd, words: tuple[str, ...]) -> None:
    """The version is told in three ways."""
    assert (0, f"driftd {__version__}\n") == (driftd(*words).code, driftd(*words).out)


def test_version_and_help_import_nothing_heavy() -> None:
    """What numbers and frames need is not loaded before a command runs."""
    code = (
        "import sys; from monitor.cli import application; application.run(['--help']); "
        "print([m for m in ('numpy', 'polars', 'scipy', 'pydantic', 'structlog') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.splitlines()[-1]


@pytest.mark.parametrize("words", [("frobnicate",), ("check", "--nope"), ("init",), ("compare", "only-one")])
def test_bad_usage_is_exit_code_2(driftd: Driftd, words: tuple[str, ...]) -> None:
    """Unknown commands and options, and missing arguments, are bad usage."""
    assert 2 == driftd(*words).code


@pytest.mark.parametrize("command", ["run", "check", "replay", "status"])
def test_a_missing_configuration_is_exit_code_2(driftd: Driftd, command: str) -> None:
    """No traceback: the message says what is missing and how to make it."""
    answer = driftd(command, "--config", "/nowhere/driftd.yaml")
    assert 2 == answer.code
    assert "/nowhere/driftd.yaml: cannot be read" in answer.err
    assert "driftd init" in answer.err
