"""Profiles and how they are made."""

from __future__ import annotations

from detectors.profile_rows import profile_groups, profile_rows
from detectors.profile_value import Profile

__all__ = ["Profile", "profile_groups", "profile_rows"]
