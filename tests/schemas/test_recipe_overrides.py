"""Settings that a command line changes, and wrong ones."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.schemas.recipe_texts import LEAST, STAGE, fault
from weft.schemas.faults import RecipeError
from weft.schemas.recipe_file import load

Write = Callable[..., str]


class TestOverrides:
    def test_values_are_yaml(self, write: Write) -> None:
        overrides = ("part_size=7", "training.pre.mixture.total=2e6", "tasks.text.sources=[books]", "seed=null")
        recipe = load(write(LEAST + STAGE + "seed: 4\n"), overrides)
        assert (recipe.part_size, recipe.seed, recipe.training["pre"].mixture.size) == (7, 1, 2_000_000)

    def test_the_last_one_wins(self, write: Write) -> None:
        assert load(write(LEAST), ("seed=2", "seed=3")).seed == 3

    def test_a_value_may_hold_an_equals_sign(self, write: Write) -> None:
        assert load(write(LEAST), ("description=a=b",)).description == "a=b"

    @pytest.mark.parametrize(
        ("override", "message"),
        [
            ("seed", "override 'seed': write it as key=value"),
            ("=3", "override '=3': write it as key=value"),
            ("seed=[", "override 'seed=[': the value is not YAML"),
            ("sede=3", "override 'sede=3': sede: no such setting"),
            ("training.pre.context=x", "override 'training.pre.context=x': training.pre.context: "),
        ],
    )
    def test_a_wrong_override_is_quoted(self, write: Write, override: str, message: str) -> None:
        assert fault(write(LEAST + STAGE), (override,)).startswith(message)

    @pytest.mark.parametrize(
        ("override", "sentence"),
        [
            ("training.pretrian.context=4", "the recipe has no training.pretrian; it has pre"),
            ("tasks.txt.sources=[books]", "the recipe has no tasks.txt; it has text"),
            ("sources.boks.path=b", "the recipe has no sources.boks; it has books"),
            ("tasks.text.sources=5", "tasks.text.sources: a list is wanted, such as [1, 2]"),
        ],
    )
    def test_a_misspelt_entry_is_no_new_one(self, write: Write, override: str, sentence: str) -> None:
        assert fault(write(LEAST + STAGE), (override,)) == f"override {override!r}: {sentence}"

    def test_a_new_entry_of_several_overrides(self, write: Write) -> None:
        recipe = load(write(LEAST), ["sources.more.path=m", "sources.more.use=text"])
        assert recipe.sources["more"].settings == {"path": "m"}

    def test_a_list_has_the_line_of_who_replaced_it(self, write: Write) -> None:
        override = "tasks.text.sources=[1]"
        assert fault(write(LEAST), (override,)).startswith(f"override {override!r}: tasks.text.sources.0: ")


def test_aliases_of_an_override(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("name: x\n")
    rows = ["[&a0 [x, x, x, x, x, x, x, x, x]"] + [f"&a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 11)]
    with pytest.raises(RecipeError, match=r"override of sources: its aliases unfold to more than 100,000 values"):
        load(str(tmp_path / "r.yaml"), [f"sources={', '.join(rows)}]"])
