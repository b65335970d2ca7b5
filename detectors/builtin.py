"""The tests and change detectors that driftd brings; others come through the entry point `driftd.detectors`."""

from __future__ import annotations

from detectors.base import ChangeDetector, WindowTest
from detectors.chi_square import ChiSquare
from detectors.correlation import Correlation
from detectors.ddm import DDM
from detectors.drift import Drift
from detectors.jensen_shannon import JensenShannon
from detectors.kolmogorov_smirnov import KolmogorovSmirnov
from detectors.page_hinkley import PageHinkley
from detectors.performance import Performance
from detectors.psi import PSI
from detectors.schema import Schema
from detectors.service import Service
from detectors.shiryaev_roberts import ShiryaevRoberts
from detectors.wasserstein import Wasserstein

ENTRY_POINTS = "driftd.detectors"

WINDOW_TESTS: tuple[type[WindowTest], ...] = (
    Drift,
    Correlation,
    Schema,
    PSI,
    JensenShannon,
    KolmogorovSmirnov,
    ChiSquare,
    Wasserstein,
    Performance,
    Service,
)
"""In the order in which they run and their results are told; all are on where the configuration does not say."""

CHANGE_DETECTORS: tuple[type[ChangeDetector], ...] = (ShiryaevRoberts, PageHinkley, DDM)
"""The first one is on where the configuration does not say."""
