"""From an exception to a sentence and an exit code: 2 when the user can mend the recipe or the call, 1 otherwise."""

import os
import traceback

from weft.jobs.schedule import BuildError
from weft.pipelines.listing import EmptySource
from weft.pipelines.lock import Locked
from weft.pipelines.mixing.plan import PlanError
from weft.pipelines.partwork import Unaccounted
from weft.pipelines.store import Damaged
from weft.schemas.recipe_file import RecipeError


def explain(error: Exception) -> tuple[str, int]:
    """What to print and what to exit with. WEFT_TRACEBACK=1 in the environment shows where a failure came from."""
    shown = "".join(traceback.format_exception(error)) if os.environ.get("WEFT_TRACEBACK") else ""
    if isinstance(error, (RecipeError, EmptySource)):
        return f"{shown}{error}", 2
    if isinstance(
        error, (PlanError, Locked)
    ):  # the recipe is sound; the data do not suffice, or somebody else is at it
        return f"{shown}{error}", 1
    where = "".join(f"{note}: " for note in getattr(error, "__notes__", ()))
    if isinstance(error, (BuildError, Damaged, Unaccounted, OSError, ValueError)):
        return f"{shown}failed: {where}{error}", 1
    hint = "" if shown else " (WEFT_TRACEBACK=1 shows where)"
    return f"{shown}failed: {where}{type(error).__name__}: {error}{hint}", 1
