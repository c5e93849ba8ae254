"""Recipe files: strict, extended, overridden, and wrong in a place that is named."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from weft.schemas.recipe import Recipe
from weft.schemas.recipe_file import RecipeError, check, load, read

LEAST = """\
name: least
sources:
  books: {use: text, path: books}
tokenizers:
  hubert: {use: hubert, size: 50}
tasks:
  text: {use: text, sources: [books]}
"""
STAGE = """\
training:
  pre:
    mixture: {total: 1e6, shares: {text: 1}}
    context: 8
    model: {base: llama}
    optimiser: {lr: 1e-3, batch_tokens: 8}
"""
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a recipe file and returns its path."""
    monkeypatch.chdir(tmp_path)

    def written(text: str, name: str = "mine.yaml") -> str:
        (tmp_path / name).write_text(text, "utf-8")
        return str(tmp_path / name)

    return written


def fault(path: str, overrides: tuple[str, ...] = ()) -> str:
    with pytest.raises(RecipeError) as caught:
        load(path, overrides)
    return str(caught.value)


def shipped() -> list[str]:
    return sorted(p.name for p in Path(str(files("weft"))).joinpath("recipes").glob("*.yaml"))


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_recipe_is_valid_and_found_by_its_name(name: str) -> None:
    assert load(name.removesuffix(".yaml")).name == name.removesuffix(".yaml")


def test_there_are_shipped_recipes() -> None:
    assert {"demo.yaml", "spirit-lm-base.yaml"} <= set(shipped())


class TestNumbers:
    @pytest.mark.parametrize(
        ("written", "number"),
        [
            ("1e6", 1e6), ("1.5e-6", 1.5e-6), ("3E5", 3e5), ("+1e3", 1e3), ("-2e3", -2e3), ("1_000e3", 1e6),
            ("1.0e+6", 1e6), ("24414062.5", 24414062.5), (".5", 0.5), ("7", 7),
        ],
    )  # fmt: skip
    def test_numbers_are_read_as_people_write_them(self, write: Write, written: str, number: float) -> None:
        assert read(write(f"a: {written}")).mapping == {"a": number}

    @pytest.mark.parametrize("written", ["1e6x", "e6", "v1.5", "'1e6'", "1.2.3"])
    def test_words_stay_words(self, write: Write, written: str) -> None:
        assert read(write(f"a: {written}")).mapping == {"a": written.strip("'")}

    def test_a_total_in_short_form_is_the_number(self, write: Write) -> None:
        assert load(write(LEAST + STAGE)).training["pre"].mixture.size == 1_000_000


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


@given(
    seed=st.integers(0, 2**63 - 1), part_size=st.integers(1, 10**6), description=st.text(st.characters(codec="utf-8"))
)
def test_a_resolved_recipe_reads_back_as_itself(seed: int, part_size: int, description: str) -> None:
    mapping = {**yaml.safe_load(LEAST), "seed": seed, "part_size": part_size, "description": description}
    recipe = Recipe.model_validate(mapping)
    assert Recipe.model_validate(yaml.safe_load(yaml.safe_dump(recipe.model_dump(mode="json")))) == recipe


def test_check_explains_a_mapping_that_was_never_a_file() -> None:
    from weft.schemas.recipe_file import RecipeText

    with pytest.raises(RecipeError, match="the recipe: name: this has to be given"):
        check(RecipeText({}, {}))


def test_aliases_that_unfold_to_billions(tmp_path: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 11)]
    (tmp_path / "r.yaml").write_text("\n".join(rows))
    with pytest.raises(RecipeError, match=r"r\.yaml: its aliases unfold to more than 100,000 values"):
        read(str(tmp_path / "r.yaml"))


def test_aliases_of_an_override(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("name: x\n")
    rows = ["[&a0 [x, x, x, x, x, x, x, x, x]"] + [f"&a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 11)]
    with pytest.raises(RecipeError, match=r"override of sources: its aliases unfold to more than 100,000 values"):
        load(str(tmp_path / "r.yaml"), [f"sources={', '.join(rows)}]"])


def test_a_file_that_is_too_large_for_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("#" * (1 << 23))
    with pytest.raises(RecipeError, match=r"r\.yaml: it has more than 4,194,304 characters"):
        read(str(tmp_path / "r.yaml"))
