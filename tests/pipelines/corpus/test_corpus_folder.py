"""A corpus is made in an empty folder or over a corpus; only files with names of weft's are removed."""

import uuid
from pathlib import Path

import pytest

from weft.pipelines.corpus.corpus_folder import (
    FORMAT,
    MARK,
    MARKED,
    NotACorpus,
    OtherFormat,
    check_format,
    locked_corpus,
)
from weft.pipelines.corpus.saved_pipeline import with_checksum
from weft.pipelines.storage.lock import NAME, Locked
from weft.pipelines.storage.own_names import is_made_by_weft
from weft.pipelines.storage.store import Store


@pytest.fixture(params=["local", "memory"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(str(tmp_path / "corpus") if request.param == "local" else f"memory://{uuid.uuid4().hex}/corpus")


def test_a_folder_with_other_files_is_refused_and_left_as_it_is(any_store: Store) -> None:
    any_store.write("align/thesis.txt", b"mine")
    with pytest.raises(NotACorpus, match="no corpus and holds other files, such as 'align'"), locked_corpus(any_store):
        pass
    assert any_store.fs.find(any_store.root) == [any_store.path("align/thesis.txt")]


def test_somebody_elses_recipe_makes_no_corpus(any_store: Store) -> None:
    any_store.write("recipe.yaml", b"name: soup\n")
    with pytest.raises(NotACorpus), locked_corpus(any_store):
        pass


def test_a_link_to_nowhere_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "corpus").symlink_to("nowhere")
    with (
        pytest.raises(NotACorpus, match="a link to nowhere, which is not there"),
        locked_corpus(Store(str(tmp_path / "corpus"))),
    ):
        pass
    assert (tmp_path / "corpus").is_symlink()


def test_an_absent_folder_becomes_a_corpus_and_stays_one(any_store: Store) -> None:
    with locked_corpus(any_store), pytest.raises(Locked), locked_corpus(any_store):
        pass
    any_store.write("align/notes.txt", b"mine")
    with locked_corpus(any_store):
        assert any_store.exists(NAME)
    assert not any_store.exists(NAME)


def test_what_a_build_killed_at_once_left_is_no_obstacle(store: Store) -> None:
    root = Path(store.root)
    root.mkdir()
    (root / f"{NAME}.tmp-{uuid.uuid4().hex}").write_bytes(b"")
    with locked_corpus(store):
        assert store.exists("corpus.json")


def test_a_build_that_fails_before_it_made_anything_leaves_nothing(any_store: Store) -> None:
    with pytest.raises(ValueError, match="misspelt"), locked_corpus(any_store):
        any_store.write("list/good/part-00000.parquet", b"x")
        any_store.locate("good", "/data/good")
        any_store.write("recipe.yaml", with_checksum("name: new\n"))
        raise ValueError("misspelt")
    assert not any_store.fs.find(any_store.root)


def test_empty_folders_that_it_made_go_too(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="misspelt"), locked_corpus(Store(str(tmp_path / "corpus"))):
        (tmp_path / "corpus/unfinished/rejects").mkdir(parents=True)
        raise ValueError("misspelt")
    with locked_corpus(Store(str(tmp_path / "corpus"))):
        pass


def test_folders_above_go_with_it_and_an_empty_folder_of_the_user_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for name in ("mine", "new/deep"):
        with pytest.raises(ValueError, match="misspelt"), locked_corpus(Store(str(tmp_path / name))):
            raise ValueError("misspelt")
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]


@pytest.mark.parametrize("made", ["ingest/speech/part-00000.parquet", "plan/pretrain-refused.json", "notes.txt"])
def test_a_build_that_fails_later_leaves_what_it_made(any_store: Store, made: str) -> None:
    with pytest.raises(ValueError, match="later"), locked_corpus(any_store):
        any_store.write(made, b"x")
        raise ValueError("later")
    assert any_store.exists(made) and any_store.exists(MARK)


def test_a_build_that_fails_at_once_leaves_the_corpus_that_was_there(any_store: Store) -> None:
    with locked_corpus(any_store):
        any_store.write("recipe.yaml", with_checksum("name: old\n"))
    with pytest.raises(ValueError, match="gone"), locked_corpus(any_store):
        raise ValueError("gone")
    assert any_store.exists(MARK) and any_store.exists("recipe.yaml")


@pytest.mark.parametrize("damage", [b"", b"- edited: 1\n"])
def test_a_corpus_of_before_is_known_by_its_recipe(any_store: Store, damage: bytes) -> None:
    any_store.write("recipe.yaml", with_checksum("name: old\n") + damage)
    any_store.write("align/speech/part-00000.parquet", b"x")
    with locked_corpus(any_store):
        assert any_store.exists("corpus.json")


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (FORMAT - 1, "build it anew in another folder: `weft build RECIPE --out FOLDER`"),
        (FORMAT + 1, "install the version of weft that made it, or a newer one"),
    ],
)
def test_a_corpus_of_another_format_is_refused_and_left_as_it_is(any_store: Store, number: int, remedy: str) -> None:
    any_store.write(MARK, f'{{"format": {number}}}\n'.encode())
    with pytest.raises(OtherFormat) as caught, locked_corpus(any_store):
        pass
    message = f"{any_store.url}: this corpus has format {number}, and this version of weft needs {FORMAT}; {remedy}"
    assert str(caught.value) == message and len(any_store.fs.find(any_store.root)) == 1


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"format": "one"}', MARKED])
def test_a_corpus_of_this_format_is_taken_and_so_is_a_damaged_mark(any_store: Store, content: bytes) -> None:
    any_store.write(MARK, content)
    check_format(any_store)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("align/speech/part-00003.parquet", True),
        ("encode/hubert/speech/part-00003.parquet", True),
        ("synthesize/chat/part-100000.bin", True),
        ("rejects/ingest/speech/part-00000.parquet", True),
        ("order/words/pass-0/speech-held.parquet", True),
        ("order/words/validation/speech.parquet", True),
        ("shards/pretrain/train-words~speech-0-00000-00.tar", True),
        ("shards/pretrain/.index/train-words~speech-0-00000-00.parquet", True),
        ("shards/align/flac/train-asr~speech-0-00000-00.tar", True),
        ("shards/align/flac-png/.index/train-asr~speech-0-00000-00.parquet", True),
        ("shards/align/mine/train-asr~speech-0-00000-00.tar", False),
        ("unread/encode/hubert/speech/part-00003.parquet", True),
        ("unread/models/hubert/model.json.parquet", True),
        ("unfinished/ingest/speech/part-00003.parquet", True),
        ("unfinished/rejects/ingest/speech/part-00003.parquet", True),
        ("unread/mine.parquet", False),
        ("unfinished/models/hubert/mine.parquet", False),
        ("align/notes.txt", False),
        ("align/part-00000.parquet", False),
        ("align/speech/part-00003.parquet.bak", False),
        ("align/speech/results.parquet", False),
        ("rejects/mine.csv", False),
        ("order/words.parquet", False),
        ("list/speech/mine.parquet", False),
        ("shards/pretrain/backup.tar", False),
        ("mine/part-00000.parquet", False),
    ],
)
def test_names(name: str, own: bool) -> None:
    assert is_made_by_weft(name) is own
