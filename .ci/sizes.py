"""Checks that files and functions stay small: 300 lines a file, 40 a function without its docstring.

Run as `python .ci/sizes.py [FOLDER...]`; exit code 1 where a limit is passed.
"""

import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES = 300
FUNCTION_LINES = 40
FOLDERS = ("detectors", "sinks", "monitor", "tests", "benchmarks", ".ci")


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function from its `def` to its end, docstring not counted."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node, clean=False) is not None:
        docstring = node.body[0]
        lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return lines


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function of a file with its place and its lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path}:{node.lineno} {node.name}", function_lines(node)


def main(folders: list[str]) -> int:
    """Print what is too long and the medians; 1 if anything is too long."""
    paths = sorted(path for folder in folders or FOLDERS for path in Path(folder).rglob("*.py"))
    files = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    defs = dict(entry for path in paths for entry in functions(path))
    over = [
        f"{place}: {lines} lines, at most {FILE_LINES}"
        for place, lines in files.items()
        if lines > FILE_LINES
    ]
    over += [
        f"{place}: {lines} lines, at most {FUNCTION_LINES}"
        for place, lines in defs.items()
        if lines > FUNCTION_LINES
    ]
    sys.stdout.writelines(f"{line}\n" for line in over)
    if files and defs:
        medians = statistics.median(files.values()), statistics.median(defs.values())
        sys.stdout.write(
            f"{len(files)} files, median {medians[0]:g} lines; {len(defs)} functions, median {medians[1]:g}\n"
        )
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
