"""The tests and change detectors that driftd brings; others come through the entry point `driftd.detectors`."""

from __future__ import annotations

from detectors.base import ChangeDetector, WindowTest
from detectors.correlation import Correlation
from detectors.ddm import DDM
from detectors.drift import Drift
from detectors.page_hinkley import PageHinkley
from detectors.performance import Performance
from detectors.schema import Schema
from detectors.service import Service
from detectors.shiryaev_roberts import ShiryaevRoberts

ENTRY_POINTS = "driftd.detectors"

WINDOW_TESTS: tuple[type[WindowTest], ...] = (Drift, Correlation, Schema, Performance, Service)
"""In the order in which they run and their results are told; all are on where the configuration does not say."""

CHANGE_DETECTORS: tuple[type[ChangeDetector], ...] = (ShiryaevRoberts, PageHinkley, DDM)
"""The first one is on where the configuration does not say."""
