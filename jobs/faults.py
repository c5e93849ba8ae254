"""Turns an exception into a sentence and an exit code: 2 where the recipe or the command line is wrong, 1 otherwise."""

import os
import traceback

from weft.schemas.faults import RecipeError, TooLittleData


def explain(error: Exception) -> tuple[str, int]:
    """The message to print and the exit code. `--debug`, or WEFT_TRACEBACK=1 in the environment, adds the traceback."""
    debug = bool(os.environ.get("WEFT_TRACEBACK"))
    shown = "".join(traceback.format_exception(error)) if debug else ""
    if isinstance(error, RecipeError):
        return f"{shown}{error}", 2
    from weft.jobs.failures import BuildError, place_of
    from weft.pipelines.corpus.listing import EmptySource
    from weft.pipelines.mixing.plan import PlanError
    from weft.pipelines.parts.accounting import Unaccounted
    from weft.pipelines.parts.splits import SplitError
    from weft.pipelines.storage.damage import Damaged
    from weft.pipelines.storage.lock import Locked
    from weft.schemas.ledger import Unavailable, UnreadItems

    if isinstance(error, EmptySource | SplitError):
        return f"{shown}{error}", 2
    if isinstance(
        error, (PlanError, TooLittleData, Locked)
    ):  # the recipe is valid; there are too little data, or another build runs
        return f"{shown}{error}", 1
    if isinstance(error, BuildError):
        hint = "" if debug or not error.trace else "\n(--debug shows the tracebacks)"
        return f"{error.trace if debug else ''}{error}{hint}", 1
    where = "".join(f"{note}: " for note in getattr(error, "__notes__", ()))
    if isinstance(error, (Damaged, Unaccounted, Unavailable, UnreadItems, OSError, ValueError)):
        return f"{shown}failed: {where}{error}", 1
    place = f" ({place})" if (place := place_of(error)) else ""
    hint = "" if debug else " (--debug shows more)"
    return f"{shown}failed: {where}{type(error).__name__}: {error}{place}{hint}", 1
