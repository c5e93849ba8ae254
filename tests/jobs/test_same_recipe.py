"""A corpus is not trained on with a recipe that says other data; settings of the training itself may differ."""

import shutil
from pathlib import Path

import pytest

from weft.jobs.build import write_recipe
from weft.jobs.commands import open_corpus, read_pipeline
from weft.jobs.same_recipe import check_same
from weft.pipelines.corpus.corpus_folder import mark
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError

RECIPE = """
name: texts
sources:
  own: {use: text, path: TEXT, hold_out: {items: 0.1}}
  more: {use: text, path: TEXT}
align: {use: none}
text: {use: bpe, size: 280, sources: [own]}
tokenizers: {pitch: {use: pitch}}
tasks:
  text: {use: text, sources: [own]}
  others: {use: text, sources: [more]}
training:
  one:
    mixture: {unit: samples, total: 8, shares: {text: 1}}
    context: 64
    model: {config: {model_type: llama, hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: 1}}
    optimiser: {lr: 1.0e-2, batch_tokens: 64}
  two:
    mixture: {unit: samples, total: 8, shares: {others: 1}, after: [one]}
    context: 64
    model: {start: one}
    optimiser: {lr: 1.0e-2, batch_tokens: 64}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("same")
    (root / "text.txt").write_text("".join(f"The {n}th line says how {n} differs from {n + 1}.\n" for n in range(30)))
    (root / "recipe.yaml").write_text(RECIPE.replace("TEXT", str(root / "text.txt")))
    store = Store(str(root / "corpus"))
    mark(store)
    write_recipe(read_pipeline(str(root / "recipe.yaml")), store)
    return root


def check(built: Path, *overrides: str, stages: tuple[str, ...] = ("one",)) -> None:
    _, saved = open_corpus(str(built / "corpus"))
    check_same(read_pipeline(str(built / "recipe.yaml"), overrides), saved, str(built / "corpus"), stages)


@pytest.mark.parametrize(
    ("override", "phrase"),
    [
        ("text.size=300", "`text.size` was 280, is now 300"),
        ("text.sources=[own, more]", '`text.sources` was ["own"], is now ["own", "more"]'),
        ("sources.own.hold_out.items=0.2", "`sources.own.hold_out.items` was 0.1, is now 0.2"),
        ("vocabulary.multiple=32", "`vocabulary.multiple` was 64, is now 32"),
        ("tokenizers.pitch.size=32", "`tokenizers.pitch.size` was 64, is now 32"),
        ("tasks.text.sources=[more]", '`tasks.text.sources` was ["own"], is now ["more"]'),
        ("tasks.text.use=FOLDER/stories.py", '`tasks.text.use` was "text", is now "stories.py"'),
        ("training.one.mixture.total=9", "`training.one.mixture.total` was 8.0, is now 9.0"),
    ],
)
def test_other_data_is_refused(built: Path, override: str, phrase: str) -> None:
    (built / "stories.py").write_text(
        "from weft.pipelines.tasks.text import Task as Base\n\n\nclass Task(Base):\n    pass\n"
    )
    with pytest.raises(RecipeError) as refused:
        check(built, override.replace("FOLDER", str(built)))
    sentence = str(refused.value)
    assert sentence.startswith(f"{built}/corpus was built with other settings: ") and phrase in sentence
    assert (
        f"weft build RECIPE --out {built}/corpus" in sentence and f"weft train {built}/corpus/recipe.yaml" in sentence
    )


def test_at_most_three_are_named(built: Path) -> None:
    with pytest.raises(RecipeError, match="is now 300 and 1 more; `weft build"):
        check(
            built,
            "sources.own.hold_out.items=0.2",
            "text.size=300",
            "tokenizers.pitch.size=32",
            "vocabulary.multiple=32",
        )


@pytest.mark.parametrize(
    "override",
    [
        "seed=2", "name=again", "training.one.optimiser.lr=0.1", "training.one.context=32", "training.one.device=cpu",
        "training.one.model.config.hidden_size=32", "training.two.mixture.total=9",
        "tasks.new={use: text, sources: [own]}", "sources.new={use: text, path: elsewhere.txt}",
    ],
)  # fmt: skip
def test_settings_of_the_training_and_new_sections_may_differ(built: Path, override: str) -> None:
    check(built, override)


def test_a_source_may_have_moved_and_the_recipe_of_the_corpus_is_the_same(built: Path, tmp_path: Path) -> None:
    moved = shutil.copy(built / "text.txt", tmp_path / "moved.txt")
    check(built, f"sources.own.path={moved}")
    _, saved = open_corpus(str(built / "corpus"))
    check_same(read_pipeline(str(built / "corpus/recipe.yaml")), saved, str(built / "corpus"), ("one", "two"))
