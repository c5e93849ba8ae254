"""Hub names are recorded with their commits, and others than the recipe says are refused in one sentence."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import constants

from tests.checkpoints import COMMIT, in_hub_cache
from weft.jobs.build import write_recipe
from weft.pipelines.corpus.revisions import check_checkpoints, revisions
from weft.pipelines.encode import Encode
from weft.pipelines.graph import Pipeline
from weft.pipelines.models.model_work import TokenizerWork
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError
from weft.schemas.recipe import Recipe

MOVED = COMMIT[::-1]


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache with `org/mhubert`, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    in_hub_cache(tmp_path / "hub", "org/mhubert")
    return tmp_path / "hub"


def pipeline(**changes: Any) -> Pipeline:
    recipe: dict[str, Any] = {
        "name": "hub",
        "sources": {"speech": {"use": "folder", "path": "raw"}},
        "tokenizers": {"hubert": {"use": "hubert", "model": "hf://org/mhubert"}},
    }
    return Pipeline(Recipe.model_validate(recipe | changes))


def test_the_corpus_records_the_commit(store: Store) -> None:
    write_recipe(pipeline(), store)
    written = yaml.safe_load(store.read("recipe.yaml"))
    assert written["revisions"] == {"hf://org/mhubert": COMMIT}
    assert revisions(Pipeline(Recipe.model_validate(written))) == {"hf://org/mhubert": COMMIT}


def test_another_commit_than_the_recipe_says_is_refused(store: Store, hub: Path) -> None:
    in_hub_cache(hub, "org/mhubert", MOVED)
    pinned = pipeline(revisions={"hf://org/mhubert": COMMIT})
    with pytest.raises(
        RecipeError, match=rf"^revisions.hf://org/mhubert: it says {COMMIT}, the hub's cache holds {MOVED} "
    ):
        write_recipe(pinned, store)
    assert not store.exists("recipe.yaml")


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        (
            {"tokenizers": {"hubert": {"use": "hubert", "model": "hf://org/none"}}},
            "^hf://org/none: no local model, none in the hub",
        ),
        ({"text": {"use": "pretrained", "model": "hf://org/none"}}, "^hf://org/none: no local model"),
        ({"align": {"use": "ctc", "model": "hf://org/none"}}, "^hf://org/none: no local model"),
        (
            {"revisions": {"hf://org/unused": COMMIT}},
            "^revisions.hf://org/unused: nothing in the recipe is read from the hub",
        ),
    ],
)
def test_a_name_that_nobody_knows_is_one_sentence(changes: dict[str, Any], wrong: str) -> None:
    with pytest.raises(RecipeError, match=wrong) as fault:
        revisions(pipeline(**changes))
    assert "\n" not in str(fault.value)


def test_a_moved_revision_makes_the_model_stale(store: Store, hub: Path) -> None:
    tokenizer = pipeline().tokenizers["hubert"]
    work = TokenizerWork("hubert", tokenizer, (), seed=1)
    before = work.made_from(store)
    assert before["content model"] == f"org/mhubert@{COMMIT}"
    encoding = Encode(name="hubert", tokenizer=tokenizer).fingerprint()
    in_hub_cache(hub, "org/mhubert", MOVED)
    assert work.made_from(store)["content model"] == f"org/mhubert@{MOVED}"
    # what encodes goes by the model in the corpus
    assert Encode(name="hubert", tokenizer=tokenizer).fingerprint() == encoding


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "org/mhubert",
            "model: org/mhubert: no such file or folder; if it is a name on the hub, write hf://org/mhubert",
        ),
        ("/checkpoints/gone", "model: /checkpoints/gone: no such file or folder$"),
        ("hf://mhubert", "a name on the hub is written hf://org/name"),
    ],
)
def test_a_path_that_is_missing_is_an_error_and_no_download(hub: Path, name: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        check_checkpoints(pipeline(tokenizers={"hubert": {"use": "hubert", "model": name}}))
