"""Makes one backend that a recipe chooses, or says which key of the recipe is wrong.

chosen("aligners", Choice(use="sphnx"), "align")    raises RecipeFault(("align", "use"), "unknown aligner 'sphnx'; known: …")
"""

from weft.pipelines.choices.registry import ChoiceError, make
from weft.schemas.recipe import Choice


class RecipeFault(ValueError):
    """A setting that no backend knows, or backends that do not fit; `path` leads to the key in the recipe."""

    def __init__(self, path: tuple[str, ...], message: str, kind: str = "") -> None:
        super().__init__(message)
        self.path, self.message, self.kind = path, message, kind


def chosen(folder: str, choice: Choice, *path: str, **given: object) -> object:
    """The backend a recipe chooses at `path`. Raises RecipeFault."""
    try:
        return make(folder, choice, **given)
    except ChoiceError as fault:
        raise RecipeFault((*path, *map(str, fault.path)), fault.message, fault.kind) from None
