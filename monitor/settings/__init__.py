"""The configuration: models, strict loading, and everything that is generated from them.

The names are imported when they are first asked for: options of other packages inherit from
`monitor.settings.options.Options`, and `monitor.settings.root` is composed of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitor.settings.load import Loaded
    from monitor.settings.mistakes import ConfigurationError, Mistake
    from monitor.settings.monitors import MonitorSettings
    from monitor.settings.root import HttpSettings, LogSettings, Settings
    from monitor.settings.windows import WindowSettings

_HOMES = {
    "ConfigurationError": "mistakes",
    "HttpSettings": "root",
    "Loaded": "load",
    "LogSettings": "root",
    "Mistake": "mistakes",
    "MonitorSettings": "monitors",
    "Settings": "root",
    "WindowSettings": "windows",
}

__all__ = [
    "ConfigurationError",
    "HttpSettings",
    "Loaded",
    "LogSettings",
    "Mistake",
    "MonitorSettings",
    "Settings",
    "WindowSettings",
]


def __getattr__(name: str) -> Any:
    """A public name of the package, from the module that has it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
