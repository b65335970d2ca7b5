"""Writes what `config/` has from the models: JSON Schema, reference page and commented default.

Run it as `python -m monitor.settings.generate`. With `--check` nothing is written, and the exit code is 1 where a
file is stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from monitor.settings.default_file import default_file
from monitor.settings.json_schema import json_schema
from monitor.settings.reference_page import reference_page


def generated() -> dict[str, str]:
    """The files' names and texts."""
    return {
        "driftd.schema.json": json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n",
        "README.md": reference_page(),
        "driftd.yaml": default_file(),
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or tell which are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit code 1 where a file is stale"
    )
    parser.add_argument("--folder", type=Path, default=Path("config"), help="where the files are")
    options = parser.parse_args(arguments)
    stale = []
    for name, text in generated().items():
        path = options.folder / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not options.check:
            path.write_text(text, encoding="utf-8")
    if options.check and stale:
        sys.stderr.write(f"stale: {', '.join(stale)} (run: python -m monitor.settings.generate)\n")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
