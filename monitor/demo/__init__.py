"""`driftd demo`: a real log, a real daemon, a known break."""

from monitor.demo.errors import DemoError
from monitor.demo.run import run_demo

__all__ = ["DemoError", "run_demo"]
