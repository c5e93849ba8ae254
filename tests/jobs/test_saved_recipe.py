"""The recipe that a build writes into its corpus, with every default written out, is read again by every command over that corpus."""

from pathlib import Path

import pytest
import yaml

from weft.jobs.build import write_recipe
from weft.jobs.commands import open_corpus, read_pipeline
from weft.pipelines.corpus.corpus_folder import MARK, MARKED
from weft.pipelines.storage.store import Store
from weft.schemas.recipe import Recipe

RECIPES = sorted(path.stem for path in (Path(__file__).parents[2] / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("name", RECIPES)
def test_every_shipped_recipe_is_valid_with_its_defaults_written_out(name: str) -> None:
    recipe = read_pipeline(name).recipe
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


@pytest.mark.parametrize("name", [name for name in RECIPES if name == "demo" or name.endswith("-small")])
def test_recipes_without_checkpoints_are_read_from_a_corpus_as_they_were_built(name: str, tmp_path: Path) -> None:
    pipeline, store = read_pipeline(name), Store(str(tmp_path))
    store.write(MARK, MARKED)
    write_recipe(pipeline, store)
    _, saved = open_corpus(str(tmp_path))
    write_recipe(saved, again := Store(str(tmp_path / "again")))
    assert again.read("recipe.yaml") == store.read("recipe.yaml")
    assert list(saved.tasks) == list(pipeline.tasks) and list(saved.sources) == list(pipeline.sources)


def test_the_recipe_of_a_corpus_is_built_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands that the audit advises name it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    sources = {
        "books": {"use": "text", "path": "books"},
        "raw": {"use": "folder", "path": ["raw/a", "raw/b"], "transcripts": "texts"},
        "tars": {"use": "tars", "path": "tars/*.tar"},
        "web": {"use": "tars", "path": "https://host/tars"},
        "kaldi": {"use": "kaldi", "path": "data", "root": ".."},
        "cuts": {"use": "lhotse", "path": "cuts.jsonl"},
    }
    Path("r.yaml").write_text(yaml.safe_dump({"name": "r", "sources": sources, "align": {"use": "none"}}))
    write_recipe(read_pipeline("r.yaml"), store := Store(str(tmp_path / "corpus")))
    saved = yaml.safe_load(store.read("recipe.yaml"))["sources"]
    here = f"{tmp_path}/here"
    assert saved["books"]["path"] == f"{here}/books" and saved["tars"]["path"] == f"{here}/tars/*.tar"
    assert saved["raw"]["path"] == [f"{here}/raw/a", f"{here}/raw/b"] and saved["raw"]["transcripts"] == f"{here}/texts"
    assert saved["web"]["path"] == "https://host/tars"
    assert (saved["kaldi"]["path"], saved["kaldi"]["root"]) == (f"{here}/data", str(tmp_path))
    assert (saved["cuts"]["path"], saved["cuts"]["root"]) == (f"{here}/cuts.jsonl", here)


def test_a_path_through_a_link_is_the_one_that_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("here", "there/inner"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "here" / "link").symlink_to(tmp_path / "there" / "inner")
    monkeypatch.chdir(tmp_path / "here")
    books = {"use": "text", "path": "link/../books"}
    Path("r.yaml").write_text(yaml.safe_dump({"name": "r", "sources": {"books": books}, "align": {"use": "none"}}))
    write_recipe(read_pipeline("r.yaml"), store := Store(str(tmp_path / "corpus")))
    assert yaml.safe_load(store.read("recipe.yaml"))["sources"]["books"]["path"] == f"{tmp_path}/there/books"
