"""What every configuration model has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Frozen, without unknown keys; the texts below the fields are their documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid")
