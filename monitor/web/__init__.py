"""What driftd answers over HTTP: metrics, probes, the API and a page for people."""

from monitor.web.app import Sight, build_app
from monitor.web.server import HttpError, HttpServer

__all__ = ["HttpError", "HttpServer", "Sight", "build_app"]
