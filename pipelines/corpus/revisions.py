"""The commits that a recipe's hub names stand for: recorded in the corpus's recipe, and refused where it says others.

revisions(pipeline)  ->  {"hf://org/mhubert": "5a13…"}
"""

from weft.pipelines.graph import Pipeline
from weft.schemas.faults import RecipeError
from weft.schemas.hub import commit_of, is_hub_name, loadable


def revisions(pipeline: Pipeline) -> dict[str, str]:
    """By hub name. Raises RecipeError where a commit is not known, or not the one under `revisions:`."""
    check_checkpoints(pipeline)
    names = sorted(
        {at for backend in pipeline.with_checkpoints() for _, at in backend.checkpoint_settings() if is_hub_name(at)}
    )
    pinned = pipeline.recipe.revisions
    if strange := sorted(pinned.keys() - set(names)):
        raise RecipeError(
            f"revisions.{strange[0]}: nothing in the recipe is read from the hub under this name; take it out"
        )
    return {name: _commit(name, pinned.get(name, "")) for name in names}


def check_checkpoints(pipeline: Pipeline) -> None:
    """Raises RecipeError for a checkpoint that is neither a path that is there nor a name on the hub."""
    given = [(path, at) for backend in pipeline.with_checkpoints() for path, at in backend.paths_and_hub_names()]
    given += [(f"tokenizers.{name}.folder", c.folder) for name, c in pipeline.recipe.tokenizers.items() if c.folder]
    for path, at in given:
        try:
            loadable(at)
        except ValueError as fault:
            raise RecipeError(f"{path}: {fault}") from None


def _commit(name: str, pinned: str) -> str:
    try:
        commit = commit_of(name)
    except ValueError as fault:
        raise RecipeError(str(fault)) from None
    if pinned and pinned != commit:
        raise RecipeError(
            f"revisions.{name}: it says {pinned}, the hub's cache holds {commit} under this name; "
            "give a folder with the files of that commit, or take the line out to go on with what is there"
        )
    return commit
