"""The configuration: models, strict loading, and everything that is generated from them."""

from monitor.settings.load import Loaded, load
from monitor.settings.mistakes import ConfigurationError, Mistake
from monitor.settings.monitors import MonitorSettings
from monitor.settings.root import HttpSettings, LogSettings, Settings
from monitor.settings.windows import WindowSettings

__all__ = [
    "ConfigurationError",
    "HttpSettings",
    "Loaded",
    "LogSettings",
    "Mistake",
    "MonitorSettings",
    "Settings",
    "WindowSettings",
    "load",
]
