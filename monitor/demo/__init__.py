"""`driftd demo`: a real log, a real daemon, a known break."""

from monitor.demo.run import DemoError, run_demo

__all__ = ["DemoError", "run_demo"]
