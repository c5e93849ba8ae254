"""Recipe files: strict, extended, overridden, and wrong in a place that is named."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from tests.schemas.recipe_texts import LEAST, STAGE, fault
from weft.schemas.faults import RecipeError
from weft.schemas.recipe_file import load, read

Write = Callable[..., str]


def shipped() -> list[str]:
    return sorted(p.name for p in Path(str(files("weft"))).joinpath("recipes").glob("*.yaml"))


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_recipe_is_valid_and_found_by_its_name(name: str) -> None:
    assert load(name.removesuffix(".yaml")).name == name.removesuffix(".yaml")


def test_there_are_shipped_recipes() -> None:
    assert {"demo.yaml", "spirit-lm-base.yaml"} <= set(shipped())


class TestFaults:
    def test_an_unknown_key_names_file_and_line(self, write: Write) -> None:
        message = fault(write(LEAST + "part_sise: 3\n"))
        assert message == "mine.yaml line 8: part_sise: no such setting; check its spelling"

    def test_a_wrong_value_deep_down_names_its_own_line(self, write: Write) -> None:
        message = fault(write(LEAST + STAGE.replace("context: 8", "context: one")))
        assert message.startswith("mine.yaml line 11: training.pre.context: ")

    def test_an_undeclared_name_is_found_at_its_line(self, write: Write) -> None:
        message = fault(write(LEAST.replace("[books]", "[boks]")))
        assert message == "mine.yaml line 7: tasks.text.sources: 'boks' is not declared; there are books"

    def test_every_fault_is_reported_at_once(self, write: Write) -> None:
        lines = fault(write(LEAST + "part_sise: 3\nseed: x\n")).splitlines()
        assert [line.split(":")[0] for line in lines] == ["mine.yaml line 9", "mine.yaml line 8"]

    def test_every_key_that_is_given_twice_is_reported(self, write: Write) -> None:
        lines = fault(write("name: a\nname: b\nsources:\n  x: {use: text, use: text}\nsed: 1\n")).splitlines()
        assert lines[:2] == ["mine.yaml line 2: `name` is given twice", "mine.yaml line 4: `use` is given twice"]
        assert lines[2].startswith("mine.yaml line 5: sed: no such setting")

    def test_a_missing_section_is_named(self, write: Write) -> None:
        assert "sources: this has to be given" in fault(write("name: x\n"))

    def test_mixture_rules_carry_their_line(self, write: Write) -> None:
        message = fault(write(LEAST + STAGE.replace("total: 1e6, ", "")))
        assert message == "mine.yaml line 10: training.pre.mixture: give either `total` and `shares`, or `budgets`"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("name: a\nseed: 1\nname: b\n", "mine.yaml line 3: `name` is given twice"),
            ("name: a\nsources:\n  x: {use: text}\n  x: {use: text}\n", "mine.yaml line 4: `x` is given twice"),
            ("a: [1\nb: 2\n", "mine.yaml line 2: not YAML"),
            ("a: b: c\n", "mine.yaml line 1: not YAML"),
            ("? [1, 2]\n: 3\n", "mine.yaml line 1: not YAML"),
            ("a: !!python/object/apply:os.system [ls]\n", "mine.yaml line 1: not YAML"),
            ("- a\n- b\n", "mine.yaml: a recipe is a mapping"),
            ("", "mine.yaml: a recipe is a mapping"),
            ("extends: [a, b]\n", "mine.yaml line 1: `extends:` takes the name of one recipe"),
            ("extends: nowhere\n", "nowhere: no such recipe file; the shipped recipes are demo"),
        ],
        ids=lambda value: value.splitlines()[0] if value else "empty",
    )
    def test_what_is_no_recipe(self, write: Write, text: str, message: str) -> None:
        assert fault(write(text)).startswith(message)

    def test_a_file_that_is_not_utf8(self, tmp_path: Path) -> None:
        (tmp_path / "mine.yaml").write_bytes(b"name: \xff\n")
        assert "cannot be read as UTF-8" in fault(str(tmp_path / "mine.yaml"))


class TestExtends:
    def test_mappings_merge_key_by_key(self, write: Write) -> None:
        write(LEAST, "base.yaml")
        recipe = load(write("extends: base.yaml\nname: more\nsources:\n  more: {use: text, path: m}\n"))
        assert recipe.name == "more"
        assert {n: c.settings["path"] for n, c in recipe.sources.items()} == {"books": "books", "more": "m"}

    def test_settings_of_the_same_backend_merge(self, write: Write) -> None:
        write(LEAST, "base.yaml")
        recipe = load(write("extends: base.yaml\ntokenizers: {hubert: {rate: 25}}\n"))
        assert recipe.tokenizers["hubert"].settings == {"size": 50, "rate": 25}

    def test_another_backend_replaces_all_settings(self, write: Write) -> None:
        write(LEAST, "base.yaml")
        recipe = load(write("extends: base.yaml\ntokenizers: {hubert: {use: mfcc, rate: 25}}\n"))
        assert recipe.tokenizers["hubert"].use == "mfcc"
        assert recipe.tokenizers["hubert"].settings == {"rate": 25}

    def test_null_removes(self, write: Write) -> None:
        write(LEAST + "seed: 5\ndescription: d\n", "base.yaml")
        recipe = load(write("extends: base\nseed: null\ntokenizers: {hubert: {size: null}}\n"))
        assert (recipe.seed, recipe.description) == (1, "d")
        assert recipe.tokenizers["hubert"].settings == {}

    def test_lists_are_replaced_whole(self, write: Write) -> None:
        write(LEAST, "base.yaml")
        recipe = load(write("extends: base\nsources: {more: {use: text, path: m}}\ntasks: {text: {sources: [more]}}\n"))
        assert recipe.tasks["text"].sources == ("more",)

    def test_a_chain_of_three(self, write: Write) -> None:
        write(LEAST + "seed: 1\npart_size: 1\n", "one.yaml")
        write("extends: one\nseed: 2\npart_size: 2\n", "two.yaml")
        recipe = load(write("extends: two\nseed: 3\n"))
        assert (recipe.seed, recipe.part_size) == (3, 2)

    def test_a_circle_is_refused(self, write: Write) -> None:
        write("extends: mine\n", "other.yaml")
        assert "`extends:` goes in a circle" in fault(write("extends: other\n"))
        assert "`extends:` goes in a circle" in fault(write("extends: self\n", "self.yaml"))

    def test_a_shipped_recipe_by_its_name(self, write: Write) -> None:
        recipe = load(write("extends: demo\nname: mine\nseed: 99\n"))
        assert (recipe.name, recipe.seed) == ("mine", 99)
        assert recipe.tasks.keys() == load("demo").tasks.keys()

    def test_a_fault_of_the_parent_names_the_parent(self, write: Write) -> None:
        write(LEAST + "seed: x\n", "base.yaml")
        assert fault(write("extends: base\nname: y\n")).startswith("base.yaml line 8: seed: ")


def test_a_file_that_is_too_large_for_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("#" * (1 << 23))
    with pytest.raises(RecipeError, match=r"r\.yaml: it has more than 4,194,304 characters"):
        read(str(tmp_path / "r.yaml"))
