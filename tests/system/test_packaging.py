"""What is shipped: names, wheel, files beside the code."""

import importlib.metadata
import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.needs import ROOT

pytestmark = pytest.mark.system
PACKAGES = ("monitor", "detectors", "sinks")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("driftd-*.whl")))


@pytest.mark.parametrize("package", PACKAGES)
def test_package_name_belongs_to_driftd_alone(package: str) -> None:
    """No other installed distribution ships a package of this name, and none hides ours."""
    owners = set(importlib.metadata.packages_distributions().get(package, []))
    spec = importlib.util.find_spec(package)
    assert owners <= {"driftd"}
    assert spec is not None
    assert spec.origin is not None
    here = ROOT / package / "__init__.py"
    shipped = importlib.metadata.distribution("driftd").locate_file(f"{package}/__init__.py")
    assert Path(spec.origin).resolve() in {here, Path(str(shipped)).resolve()}


def test_distribution_and_command_are_called_driftd() -> None:
    """One console script, `driftd`."""
    scripts = importlib.metadata.distribution("driftd").entry_points.select(group="console_scripts")
    assert [("driftd", "monitor.cli:main")] == [(script.name, script.value) for script in scripts]


def test_wheel_has_the_packages_and_nothing_else_at_its_top(wheel: zipfile.ZipFile) -> None:
    """Three packages, metadata and data; no tests, no benchmarks."""
    tops = {name.split("/", 1)[0] for name in wheel.namelist()}
    assert set(PACKAGES) == {top for top in tops if not top.startswith("driftd-")}


def test_wheel_has_every_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    """Data files included, and none kept back by .gitignore."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    there = {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}
    assert there <= set(wheel.namelist())


def test_wheel_carries_the_configuration(wheel: zipfile.ZipFile) -> None:
    """Everything under config/ goes to share/driftd."""
    shipped = {name.split(".data/data/", 1)[1] for name in wheel.namelist() if ".data/data/" in name}
    files = [path for path in (ROOT / "config").rglob("*") if path.is_file()]
    assert {f"share/driftd/{path.relative_to(ROOT / 'config').as_posix()}" for path in files} == shipped


def test_wheel_carries_the_licence(wheel: zipfile.ZipFile) -> None:
    """The full text of Apache-2.0."""
    name = next(name for name in wheel.namelist() if name.endswith("licenses/LICENSE"))
    assert (ROOT / "LICENSE").read_bytes() == wheel.read(name)


def test_pins_are_exact() -> None:
    """Each line of constraints.txt names one version."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert [] == [pin for pin in pins if "==" not in pin.split(";")[0]]
