"""Everything that is registered: what driftd brings and what other packages add through entry points."""

from collections.abc import Mapping

from pydantic import BaseModel

from detectors.base import ChangeDetector, WindowTest
from detectors.builtin import CHANGE_DETECTORS, WINDOW_TESTS
from detectors.builtin import ENTRY_POINTS as DETECTORS
from monitor.plugins import registry
from monitor.sources import registered as registered_sources
from monitor.sources.options import SourceOptions
from sinks import BUILTIN, Sink
from sinks import ENTRY_POINTS as SINKS

WINDOW_TEST_TYPES: Mapping[str, type[WindowTest]] = registry(DETECTORS, WindowTest, WINDOW_TESTS)
CHANGE_DETECTOR_TYPES: Mapping[str, type[ChangeDetector]] = registry(
    DETECTORS, ChangeDetector, CHANGE_DETECTORS
)
SINK_TYPES: Mapping[str, type[Sink]] = registry(SINKS, Sink, BUILTIN)
SOURCE_TYPES: Mapping[str, type[SourceOptions]] = registered_sources()

KINDS: Mapping[str, Mapping[str, type[BaseModel]]] = {
    "window test": WINDOW_TEST_TYPES,
    "change detector": CHANGE_DETECTOR_TYPES,
    "sink": SINK_TYPES,
    "source": SOURCE_TYPES,
}

ALL = [(f"{kind} {word}", component) for kind, found in KINDS.items() for word, component in found.items()]
"""(name for people, class) of every component."""
