"""Fingerprints: equal content, equal digits, on every machine."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from weft.schemas.fingerprint import digest, hash64

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
