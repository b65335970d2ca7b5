"""What every test takes and gives: windows in, results out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from detectors.profile import Profile
    from detectors.reference import Reference


class Verdict(StrEnum):
    """What a test says of a column; later members are worse, `error` stands beside them."""

    OK = "ok"
    INSUFFICIENT = "insufficient"
    ERROR = "error"
    WARNING = "warning"
    DRIFT = "drift"

    @property
    def rank(self) -> int:
        """Position in the order from well to worst."""
        return list(Verdict).index(self)


class Cause(StrEnum):
    """The group that a finding belongs to; one alert for each cause."""

    SOURCE = "source"
    SCHEMA = "schema"
    DATA_DRIFT = "data_drift"
    PREDICTION_DRIFT = "prediction_drift"
    CONCEPT_DRIFT = "concept_drift"
    SERVICE = "service"


class Result(NamedTuple):
    """One test's finding on one column of one window.

    A tuple with names: a window of 50 columns has some 300 of them, and a frozen dataclass takes five times as long.

    Attributes:
        column: user-facing column name; "" for findings on the window as a whole.
        test: the test's type word.
        verdict: see `Verdict`.
        cause: the alert group that a bad verdict belongs to.
        statistic: the test's statistic in the unit that its docstring states; NaN where undefined.
        threshold: what the statistic was compared with; None where there is no threshold.
        p_value: None for tests without one.
        effect_size: None for tests without one.
        rows: rows of the window that the statistic rests on.
        detail: a short plain sentence for people, "" where there is nothing to add.
    """

    column: str
    test: str
    verdict: Verdict
    cause: Cause
    statistic: float
    threshold: float | None = None
    p_value: float | None = None
    effect_size: float | None = None
    rows: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """A closed window as the tests see it.

    Attributes:
        profile: the window's rows under the reference's binning.
        history: profiles of the windows just before it, of the same length and adjacent, newest first, at most 7.
        start, end: event time in microseconds since the epoch, or row numbers for windows of rows.
        by_rows: true where start and end are row numbers.
        min_rows: fewer rows than this give *insufficient*.
        expected_rows: rows that the reference's request rate would give in this span; None where unknown.
        shared: what tests have worked out from this window and later tests may use, by name.
    """

    profile: Profile
    history: tuple[Profile, ...] = ()
    start: int = 0
    end: int = 0
    by_rows: bool = False
    min_rows: int = 1
    expected_rows: float | None = None
    shared: dict[str, object] = field(default_factory=dict, init=False, repr=False, compare=False)


class WindowTest(BaseModel):
    """Configuration and code of one test in one frozen model; without state, logging or side effect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def test(self, reference: Reference, window: Window) -> Sequence[Result]:
        """Compare a window with the reference; at most a few results for each column.

        Raises nothing on data: a column that cannot be computed gets the verdict *error*.
        """


class State(Protocol):
    """A change detector's memory: a small frozen dataclass."""

    def to_json(self) -> dict[str, object]:
        """The state as JSON values."""
        ...


class ChangeDetector(BaseModel):
    """Watches one signal row by row; any cut of the stream into blocks gives the same answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def start(self, reference: Reference) -> State:
        """The state before the first row."""

    @abstractmethod
    def restore(self, saved: dict[str, object]) -> State:
        """The state that `State.to_json` described."""

    @abstractmethod
    def update(
        self, state: Any, signal: npt.NDArray[np.float64]
    ) -> tuple[State, Sequence[tuple[int, Result]]]:
        """Take the next rows of the signal, shape (n,): 1 for a wrong prediction, 0 for a right one.

        Args:
            state: what `start`, `restore` or the last `update` of this detector returned.
            signal: float64, shape (n,); NaN is passed over.

        Returns:
            The new state and the alarms, each with the index in `signal` of the row that raised it.
        """
