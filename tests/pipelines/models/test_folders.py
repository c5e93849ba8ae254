"""Models in a corpus: committed whole, and never loaded when they are not as they were committed."""

from pathlib import Path

import pytest

from weft.pipelines.models.folders import (
    commit_model,
    damage_of_model,
    model_is_complete,
    recorded,
    unknown_files_in,
    verified_folder,
)
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store

MODEL = "models/m"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    (folder / "sub").mkdir(parents=True)
    (folder / "weights").write_bytes(b"0123456789")
    (folder / "sub" / "deep").write_bytes(b"deep")
    return folder


@pytest.fixture
def committed(store: Store, made: Path) -> Store:
    commit_model(store, MODEL, made, {"use": "this"})
    return store


def test_a_model_stands_for_what_it_was_made_from(committed: Store) -> None:
    assert model_is_complete(committed, MODEL) and recorded(committed, MODEL) == {"use": "this"}
    assert list(damage_of_model(committed, MODEL, deep=True)) == []
    assert (verified_folder(committed, MODEL) / "sub" / "deep").read_bytes() == b"deep"


@pytest.mark.parametrize("name", ["weights", "sub/deep", "model.json", "fingerprint"])
@pytest.mark.parametrize("data", [None, b"", b"9876543210"])
def test_a_file_that_is_missing_or_of_another_size(committed: Store, name: str, data: bytes | None) -> None:
    committed.remove(f"{MODEL}/{name}")
    if data is not None:
        committed.write(f"{MODEL}/{name}", data + b"!")
    assert not model_is_complete(committed, MODEL)
    with pytest.raises((Damaged, FileNotFoundError), match=f"{MODEL}/{name}"):
        verified_folder(committed, MODEL)


def test_other_content_of_the_same_size_is_noticed_before_it_is_loaded(committed: Store) -> None:
    committed.write(f"{MODEL}/weights", b"9876543210")
    assert model_is_complete(committed, MODEL)  # sizes alone
    with pytest.raises(
        Damaged, match=r"models/m/weights has another checksum .*; `weft build .* --verify` makes it anew"
    ):
        verified_folder(committed, MODEL)


def test_files_of_an_older_model_go(committed: Store, made: Path) -> None:
    (made / "weights").rename(made / "other")
    commit_model(committed, MODEL, made, {"use": "that"})
    assert not committed.exists(f"{MODEL}/weights") and committed.exists(f"{MODEL}/other")


def test_files_that_are_not_the_models_are_named_and_kept(committed: Store) -> None:
    committed.write(f"{MODEL}/README.md", b"mine")
    assert unknown_files_in(committed, MODEL) == [f"{MODEL}/README.md"]
    assert model_is_complete(committed, MODEL)
