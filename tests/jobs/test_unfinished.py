"""What `status`, `audit`, `inspect` and `rejects` say of a corpus that a build has begun and not finished."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from weft.jobs.commands import reading
from weft.pipelines.corpus.corpus_folder import mark
from weft.pipelines.storage.lock import NAME, Lock
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError

Weft = Callable[..., tuple[int, str, str]]
READERS = ("audit", "rejects", "inspect")


def read(weft: Weft, command: str, store: Store) -> tuple[int, str]:
    """The exit code, and all that is printed, on one line."""
    code, shown, wrong = weft(command, store.url, *(["--list"] if command == "inspect" else []))
    return code, " ".join(f"{shown} {wrong}".split()).strip()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "new"))


@pytest.fixture
def copied(text_corpus: str, tmp_path: Path) -> Store:
    """A finished corpus of text."""
    shutil.copytree(text_corpus, tmp_path / "corpus")
    return Store(str(tmp_path / "corpus"))


def test_a_build_that_has_just_begun(weft: Weft, store: Store) -> None:
    with Lock(store):
        mark(store)
        code, page = read(weft, "status", store)
        assert code == 0 and "a build has just begun (process" in page and "it has made nothing yet" in page
        record = json.loads(weft("status", store.url, "--json")[1])
        assert record["stages"] == [] and "a build is at work (process" in record["building"]
        for command in READERS:
            code, page = read(weft, command, store)
            assert code == 2 and "a build has just begun" in page and "no corpus" not in page


def test_a_build_that_was_killed_at_once(weft: Weft, store: Store) -> None:
    mark(store)
    sentence = f"{store.url}: the build was ended before it made anything; the same `weft build` begins again"
    assert read(weft, "status", store) == (0, sentence)
    assert json.loads(weft("status", store.url, "--json")[1]) == {
        "corpus": store.url, "building": "", "stages": [], "unread": [],
    }  # fmt: skip
    assert all(read(weft, command, store) == (2, sentence) for command in READERS)


@pytest.mark.parametrize("command", ["status", *READERS])
def test_no_corpus_and_one_without_its_recipe(weft: Weft, store: Store, copied: Store, command: str) -> None:
    code, page = read(weft, command, store)
    assert code == 2 and "no corpus (it has no recipe.yaml); `weft build RECIPE --out" in page
    copied.remove("recipe.yaml")
    code, page = read(weft, command, copied)
    assert code == 2 and "recipe.yaml is gone; `weft build RECIPE" in page and "made anything" not in page


@pytest.mark.parametrize("command", ["status", *READERS])
@pytest.mark.parametrize("begun", [True, False])
def test_what_is_no_corpus_yet_is_json_too(weft: Weft, store: Store, command: str, begun: bool) -> None:
    if begun:
        mark(store)
    arguments = (command, store.url, *(["--list"] if command == "inspect" else []))
    code, _, sentence = weft(*arguments)
    as_json = weft(*arguments, "--json")
    assert as_json[0] == code
    if code:
        assert as_json[2] == sentence and json.loads(as_json[1]) == {"error": sentence.rstrip("\n")}
    else:
        assert (command, begun) == ("status", True) and json.loads(as_json[1])["stages"] == []


def test_status_says_what_is_not_counted_yet(weft: Weft, copied: Store) -> None:
    assert "yet" not in read(weft, "status", copied)[1]
    for folder in ("list", "plan", "shards"):
        shutil.rmtree(copied.path(folder))
    with Lock(copied):
        page = read(weft, "status", copied)[1]
    assert "a build is at work (process" in page
    assert "not listed yet, so counted as one part: books" in page
    assert "not planned yet, so without their tars: pretrain" in page


def test_samples_that_are_not_there_yet(weft: Weft, copied: Store) -> None:
    copied.remove("shards/pretrain/index.parquet")
    code, page = read(weft, "inspect", copied)
    finishes = f"`weft build {copied.url}/recipe.yaml --out {copied.url}` finishes the corpus"
    assert code == 2 and f"{copied.url}: shards/pretrain/index.parquet is not there yet; {finishes}" in page
    with Lock(copied):
        code, page = read(weft, "inspect", copied)
    assert (
        code == 2 and "index.parquet is not there yet: a build is at work (process" in page and "weft build" not in page
    )


def test_a_missing_file_of_a_run_is_not_the_fault_of_the_corpus(store: Store, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"run/base/ended.json"), reading(store.url):
        (tmp_path / "run/base/ended.json").read_text()
    with pytest.raises(FileNotFoundError, match=r"words-of-a-reward.txt"), reading(store.url):
        Path("words-of-a-reward.txt").read_text()
    with pytest.raises(RecipeError, match=r"shards/index.parquet is not there yet"), reading(store.url):
        Path(store.path("shards/index.parquet")).read_bytes()


def test_an_audit_says_that_a_build_is_at_work(weft: Weft, copied: Store) -> None:
    copied.remove("shards/pretrain/index.parquet")
    with Lock(copied):
        assert "what is missing may come yet" in read(weft, "audit", copied)[1]
    assert not copied.exists(NAME) and "may come yet" not in read(weft, "audit", copied)[1]


def test_a_folder_with_a_recipe_of_the_user_is_no_damaged_corpus(weft: Weft, store: Store) -> None:
    store.write("recipe.yaml", b"name: mine\n")
    code, page = read(weft, "status", store)
    assert code == 2 and "no corpus (its recipe.yaml is of no corpus); `weft build RECIPE" in page
    store.write("corpus/corpus.json", b"{}")  # as `weft demo` leaves it
    code, page = read(weft, "status", store)
    assert code == 2 and page == f"{store.url}: no corpus, but {store.url}/corpus is one"
