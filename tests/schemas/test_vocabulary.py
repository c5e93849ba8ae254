"""The vocabulary as JSON, and what it says of names it lacks."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.schemas.vocabulary import Codebook, Marker, Vocabulary

IDS = st.integers(0, 10**6)
VOCABULARIES = st.builds(
    Vocabulary,
    text_size=IDS, bos=st.none() | IDS, markers=st.lists(st.builds(Marker, st.text(), st.text(), IDS)).map(tuple),
    codebooks=st.lists(st.builds(Codebook, st.text(), st.text(), IDS, IDS)).map(tuple), size=IDS,
    text_fingerprint=st.text(), pad=st.none() | IDS, ends=st.lists(IDS).map(tuple),
)  # fmt: skip

SMALL = Vocabulary(
    text_size=10,
    bos=0,
    markers=(Marker("text", "[T]", 10),),
    codebooks=(Codebook(tokenizer="hubert", literal="[Hu{}]", first=11, size=5),),
    size=64,
    text_fingerprint="ab",
)


@given(vocabulary=VOCABULARIES)
def test_a_vocabulary_comes_back_from_json(vocabulary: Vocabulary) -> None:
    back = Vocabulary.from_json(vocabulary.to_json())
    assert back == vocabulary
    assert back.fingerprint == vocabulary.fingerprint


def test_the_json_is_plain() -> None:
    record = json.loads(SMALL.to_json())
    assert record["codebooks"] == [{"tokenizer": "hubert", "literal": "[Hu{}]", "first": 11, "size": 5}]


def test_names_are_looked_up() -> None:
    assert SMALL.marker("text").id == 10
    assert SMALL.codebook("hubert").first == 11


def test_unknown_names_say_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"no marker 'asr' \(it has text\); add it to `vocabulary: tokens:`"):
        SMALL.marker("asr")
    with pytest.raises(ValueError, match="no codebook 'pitch'; add it under `tokenizers:`"):
        SMALL.codebook("pitch")


@pytest.mark.parametrize(
    "change",
    [{"text_size": 11}, {"bos": None}, {"markers": ()}, {"codebooks": ()}, {"size": 65}, {"text_fingerprint": "ac"}],
    ids=str,
)
def test_any_change_has_another_fingerprint(change: dict[str, object]) -> None:
    assert replace(SMALL, **change).fingerprint != SMALL.fingerprint


def test_what_is_only_for_generation_has_the_same_fingerprint() -> None:
    assert replace(SMALL, pad=3, ends=(4, 5)).fingerprint == SMALL.fingerprint == "dbcb498bcec252b7cc885ad9d1a6bc1a"


def test_one_that_an_earlier_version_wrote_is_read() -> None:
    own = replace(SMALL, markers=(Marker("eos", "</s>", 10), Marker("eot", "<|EOT|>", 16)))
    record = json.loads(own.to_json())
    del record["pad"], record["ends"]
    old = Vocabulary.from_json(json.dumps(record))
    assert (old.pad, old.ends, old.end) == (None, (16, 10), 16) and old.fingerprint == own.fingerprint
