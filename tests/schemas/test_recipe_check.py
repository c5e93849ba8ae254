"""From a mapping to a recipe, or to sentences on what is wrong."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.schemas.recipe_texts import LEAST
from weft.schemas.faults import RecipeError
from weft.schemas.recipe import Recipe
from weft.schemas.recipe_check import check
from weft.schemas.recipe_text import RecipeText


@given(
    seed=st.integers(0, 2**63 - 1), part_size=st.integers(1, 10**6), description=st.text(st.characters(codec="utf-8"))
)
def test_a_resolved_recipe_reads_back_as_itself(seed: int, part_size: int, description: str) -> None:
    mapping = {**yaml.safe_load(LEAST), "seed": seed, "part_size": part_size, "description": description}
    recipe = Recipe.model_validate(mapping)
    assert Recipe.model_validate(yaml.safe_load(yaml.safe_dump(recipe.model_dump(mode="json")))) == recipe


def test_check_explains_a_mapping_that_was_never_a_file() -> None:
    with pytest.raises(RecipeError, match="the recipe: name: this has to be given"):
        check(RecipeText({}, {}))
