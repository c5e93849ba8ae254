"""A backend that a recipe chooses by name, with that backend's own settings beside it.

Choice(use="sphinx", min_score=-2).settings  ->  {"min_score": -2}
"""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Choice(BaseModel):
    """One of several backends: `use` names its module, the other keys are that module's own settings."""

    model_config = ConfigDict(extra="allow", frozen=True)

    use: str

    @property
    def settings(self) -> dict[str, Any]:
        """The keys beside `use`, as the YAML gives them; the backend itself checks them."""
        return dict(self.__pydantic_extra__ or {})
