"""The state file: what driftd must not forget, one transaction for each commit point."""

from monitor.state.alerts import StoredTransition
from monitor.state.errors import DiskFullError, StateDamagedError, StateError, StateLockedError
from monitor.state.outbox import Delivery, Entry, Message
from monitor.state.panes import StoredPane
from monitor.state.runs import StoredRun
from monitor.state.state import State
from monitor.state.windows import StoredWindow, WindowFilter

__all__ = [
    "Delivery",
    "DiskFullError",
    "Entry",
    "Message",
    "State",
    "StateDamagedError",
    "StateError",
    "StateLockedError",
    "StoredPane",
    "StoredRun",
    "StoredTransition",
    "StoredWindow",
    "WindowFilter",
]
