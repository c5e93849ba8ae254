"""The base of everything a recipe can say: strict, frozen pydantic models.

    class Aligner(Settings):
        min_score: float = -3.0

A key that is not a field is refused, so a misspelt setting never passes for a default.
"""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Frozen settings; unknown keys are errors. Working state goes into private attributes."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
