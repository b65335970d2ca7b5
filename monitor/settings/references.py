"""What windows are compared with, as the configuration says it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from monitor.paths import LocalPath
from monitor.settings.options import Options


class FileReference(Options):
    """A fixed reference: training or evaluation data, or a quiet part of the log."""

    type: Literal["file"] = "file"

    path: LocalPath
    """A file of `driftd reference build` (`.driftref`), or data (Parquet, CSV, NDJSON) to fit at start."""


class PreviousReference(Options):
    """Each window is compared with the one before it; says when something changed, not how far it went."""

    type: Literal["previous"] = "previous"

    path: LocalPath
    """Gives columns and bins, and stands in until there is a window before; as for `type: file`."""


class WeekAgoReference(Options):
    """Each window is compared with the same window a week ago, for traffic with a weekly rhythm."""

    type: Literal["week_ago"] = "week_ago"

    path: LocalPath
    """Gives columns and bins, and stands in during the first week; as for `type: file`."""


ReferenceSettings = Annotated[
    FileReference | PreviousReference | WeekAgoReference, Field(discriminator="type")
]
