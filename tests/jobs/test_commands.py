"""A corpus whose recipe this version cannot use, as of one that another version built: the sentence says what to do."""

from pathlib import Path

import pytest

from weft.jobs.commands import open_corpus
from weft.pipelines.corpus.corpus_folder import mark
from weft.pipelines.corpus.saved_pipeline import with_checksum
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError

RECIPE = """name: texts
sources: {own: {use: text, path: text.txt}}
segment: {use: silero, SETTING: 27.0}
tasks: {text: {use: text, sources: [own]}}
training: {}
"""


def corpus(folder: Path, setting: str) -> str:
    """A corpus that is only its mark and its recipe."""
    store = Store(str(folder))
    mark(store)
    store.write("recipe.yaml", with_checksum(RECIPE.replace("SETTING", setting)))
    return str(folder)


def test_a_recipe_of_another_version_is_no_spelling_mistake(tmp_path: Path) -> None:
    open_corpus(corpus(tmp_path / "now", "longest_merged"))
    url = corpus(tmp_path / "before", "merged")
    with pytest.raises(RecipeError) as caught:
        open_corpus(url)
    message = str(caught.value)
    assert "segment.merged: no such setting" in message
    assert f"`weft build RECIPE --out {url}`" in message
