"""Paths in the configuration: relative ones are relative to the folder of the configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo


def resolve_path(path: Path, info: ValidationInfo) -> Path:
    """The path as seen from the configuration's folder, which the loader puts into the context as `folder`.

    Without a context (models made in code) the path stays as it is, relative to the working directory.
    """
    folder = (info.context or {}).get("folder")
    expanded = path.expanduser()
    return expanded if folder is None else Path(folder) / expanded


def resolve_pattern(pattern: str, info: ValidationInfo) -> str:
    """The same for a glob pattern, which stays text.

    Raises:
        ValueError: the pattern is empty.
    """
    if not pattern.strip():
        raise ValueError("is empty (give a file, a folder or a pattern such as logs/*.ndjson)")
    return str(resolve_path(Path(pattern), info))


LocalPath = Annotated[Path, AfterValidator(resolve_path)]
"""A file or folder."""

LocalPattern = Annotated[str, AfterValidator(resolve_pattern)]
"""A file, a folder or a glob pattern, as text."""
