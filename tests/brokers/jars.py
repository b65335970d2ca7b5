"""Apache Kafka's jars: fetched once by Maven, in a pinned version, into a cache folder outside the tree."""

import fcntl
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

VERSION = "4.3.1"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>driftd</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version></dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.4</version>
    </dependency>
  </dependencies>
</project>
"""


def lacking() -> str | None:
    """Why Apache Kafka cannot run here; None where it can."""
    programs = ["java"] if _libraries().is_dir() else ["java", "mvn"]
    missing = [program for program in programs if shutil.which(program) is None]
    return f"Apache Kafka needs the programs {' and '.join(missing)}" if missing else None


def _libraries() -> Path:
    cache_folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache_folder / "driftd" / f"kafka-{VERSION}"


@cache
def libraries() -> Path:
    """The folder of the jars; several processes may ask at once, one of them fetches.

    Raises:
        RuntimeError: Maven failed; with what it said.
    """
    target = _libraries()
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _fetch(target)
    return target


def _fetch(target: Path) -> None:
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    (partial / "pom.xml").write_text(POM.format(version=VERSION))
    run = subprocess.run(
        ["mvn", "-q", "-B", PLUGIN, "-DoutputDirectory=."],
        cwd=partial,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    if run.returncode != 0:
        raise RuntimeError(f"Maven could not fetch Apache Kafka: {run.stdout[-2000:]}")
    partial.rename(target)
