"""Where rows come from: each source is one file or folder with its options, their words and the code."""

from __future__ import annotations

from monitor.plugins import registry
from monitor.sources.files import FilesSource
from monitor.sources.kafka import KafkaSource
from monitor.sources.options import SourceOptions

ENTRY_POINTS = "driftd.sources"
BUILTIN: tuple[type[SourceOptions], ...] = (FilesSource, KafkaSource)


def registered() -> dict[str, type[SourceOptions]]:
    """Sources by the word of their field `type`, those of other packages (entry points `driftd.sources`) included.

    Raises:
        PluginError: two sources share a word, or one does not load.
    """
    return registry(ENTRY_POINTS, SourceOptions, BUILTIN)
