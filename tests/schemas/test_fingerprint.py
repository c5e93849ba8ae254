"""Fingerprints: equal content, equal digits, on every machine."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from hypothesis import given
from hypothesis import strategies as st

from tests.checkpoints import COMMIT, in_hub_cache
from weft.schemas.fingerprint import content, digest, hash64
from weft.schemas.hub import commit_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_digests_never_change_between_versions_of_weft() -> None:
    assert digest({"use": "sphinx", "min_score": -3.0}) == digest({"min_score": -3.0, "use": "sphinx"})
    assert digest([]) == "7ebb3c7c2a87b1a2f8a7ed729ecb040d"
    assert hash64("bucket", "a", 1) == 17740696740293679938


@given(one=JSON, two=JSON)
def test_different_content_has_different_digests(one: Any, two: Any) -> None:
    assert (digest([one]) == digest([two])) == (repr(_sorted(one)) == repr(_sorted(two)))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return [(k, _sorted(value[k])) for k in sorted(value)], "mapping"
    return [_sorted(v) for v in value] if isinstance(value, list) else value


def test_lone_surrogates_of_file_names_have_digests_too() -> None:
    assert digest("\udcff") != digest("\udcfe")
    assert hash64("\udcff") != hash64("\udcfe")


@given(words=st.lists(st.text(max_size=5), min_size=1, max_size=4))
def test_a_hash_is_64_bits_and_heeds_every_word(words: list[str]) -> None:
    assert 0 <= hash64(*words) < 2**64
    assert hash64(*words) != hash64(*words, "")


class TestContent:
    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        (tmp_path / "model" / "encoder").mkdir(parents=True)
        (tmp_path / "model" / "config.json").write_text("{}")
        (tmp_path / "model" / "encoder" / "weights").write_text("one")
        return tmp_path / "model"

    def test_files_in_subfolders_count_by_their_place_in_the_folder(self, model: Path, tmp_path: Path) -> None:
        first = content(str(model))
        shutil.copytree(model, tmp_path / "copy")
        assert content(str(tmp_path / "copy")) == first
        (tmp_path / "copy" / "encoder" / "weights").write_text("two")
        assert content(str(tmp_path / "copy")) != first
        (model / "encoder").rename(model / "decoder")
        assert content(str(model)) != first

    def test_a_folder_replaced_in_place_is_seen_by_a_process_that_looked_before(self, model: Path) -> None:
        first = content(str(model))
        (model / "config.json").write_text("[]")  # as long as before
        assert content(str(model)) != first
        (model / "config.json").write_text("{}")
        assert content(str(model)) == first

    def test_what_a_download_leaves_and_what_is_told_to_be_ignored_do_not_count(self, model: Path) -> None:
        first = content(str(model))
        (model / ".cache").mkdir()
        (model / ".cache" / "when").write_text("today")
        (model / "model.safetensors").write_text("weights")
        assert content(str(model), ignore=("*.safetensors",)) == first != content(str(model))

    def test_a_folder_linked_into_itself_ends(self, model: Path) -> None:
        (model / "again").symlink_to(model)
        assert len(content(str(model))) == 16

    def test_a_hub_name_counts_with_the_commit_that_the_cache_holds(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        in_hub_cache(tmp_path, "org/mhubert")
        assert content("hf://org/mhubert") == f"org/mhubert@{COMMIT}"
        moved = COMMIT[::-1]
        in_hub_cache(tmp_path, "org/mhubert", moved)
        assert content("hf://org/mhubert") == f"org/mhubert@{moved}"
        assert content("hf://org/none") == "org/none"
        with pytest.raises(
            ValueError, match=r"^hf://org/none: no local model, none in the hub's cache, .* `hf download org/none`"
        ):
            commit_of("hf://org/none")
        with pytest.raises(ValueError, match=r"^org/mhubert at revision 'v9': no local model"):
            commit_of("org/mhubert", "v9")
        assert content("large-v3") == "large-v3"
