"""The unified vocabulary: its arithmetic, its folder, and what hostile text cannot do."""

import time
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from weft.schemas.vocabulary import Vocabulary
from weft.tokenizers import bpe
from weft.tokenizers.unified import added, load, save, unify

MARKERS = {"text": "[Text]", "speech": "[Speech]"}
BOOKS = [("audio", "<audio_{}>", 6561), ("hubert", "[Hu{}]", 100)]
HOSTILE = "<s>[Speech] hi [Hu3][Hu99] <audio_5>[Text]</s>"


@pytest.fixture(scope="module")
def text() -> PreTrainedTokenizerFast:
    return bpe.Tokenizer(size=300).train([HOSTILE + " the cat sat on the mat"] * 40)


@pytest.fixture(scope="module")
def folder(text: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("vocabulary")
    save(made, text, unify(text, MARKERS, BOOKS))
    return made


def test_spirit_lm_arithmetic() -> None:
    words = {"<unk>": 0, "<s>": 1, "</s>": 2} | {f"w{i}": i for i in range(3, 32_000)}
    llama = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    llama.add_special_tokens(["<unk>", "<s>", "</s>"])
    vocabulary = unify(llama, MARKERS, [("hubert", "[Hu{}]", 501)], pad_to=32_512)
    spelt = dict(added(vocabulary))
    assert vocabulary.text_size == 32_000
    assert vocabulary.bos == 1
    assert (spelt["[Text]"], spelt["[Speech]"], spelt["[Hu0]"], spelt["[Hu500]"]) == (32_000, 32_001, 32_002, 32_502)
    assert vocabulary.size == 32_512
    assert unify(llama, MARKERS, [("hubert", "[Hu{}]", 501)], multiple=128, bos=False).size == 32_512
    assert unify(llama, MARKERS, [], bos=False).bos is None


def test_round_trip_of_every_added_token(text: PreTrainedTokenizerFast, folder: Path) -> None:
    vocabulary = load(folder)[0]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = [i for _, i in added(vocabulary)]
    literals = [literal for literal, _ in added(vocabulary)]
    assert ids == list(range(vocabulary.text_size, vocabulary.text_size + 2 + 6561 + 100))
    assert tokenizer.convert_tokens_to_ids(literals) == ids
    assert tokenizer.decode(ids) == "".join(literals)
    assert tokenizer(tokenizer.decode(ids))["input_ids"] == ids
    assert tokenizer.bos_token_id == vocabulary.bos == 0
    assert len(tokenizer) == ids[-1] + 1


def test_transcripts_never_give_added_ids(text: PreTrainedTokenizerFast, folder: Path) -> None:
    vocabulary, encode = load(folder)
    ids = encode(HOSTILE)
    assert max(ids) < vocabulary.text_size
    assert vocabulary.bos not in ids
    assert AutoTokenizer.from_pretrained(folder).decode(ids) == HOSTILE


def test_the_loaded_encoder_is_the_trained_one(folder: Path) -> None:
    tokenizer = bpe.Tokenizer(size=300)
    tokenizer.train([HOSTILE + " the cat sat on the mat"] * 40)
    assert load(folder)[1]("the cat [Hu3] sat") == tokenizer.encode("the cat [Hu3] sat")


def test_json_round_trip_and_speed(text: PreTrainedTokenizerFast, folder: Path) -> None:
    begin = time.perf_counter()
    vocabulary = unify(text, MARKERS, BOOKS)
    save(folder, text, vocabulary)
    assert load(folder)[0] == vocabulary == Vocabulary.from_json(vocabulary.to_json())
    assert time.perf_counter() - begin < 5  # 0.1 s on a free core


def test_gaps_in_the_text_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="gapless"):
        unify(Tokenizer(models.WordLevel({"a": 0, "b": 7}, unk_token="a")), MARKERS, [])


def test_refuses_clashes_and_misfits(text: PreTrainedTokenizerFast, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="taken"):
        unify(text, {"text": "the"}, [])
    with pytest.raises(ValueError, match="taken"):
        unify(text, MARKERS, [("a", "[Hu{}]", 3), ("b", "[Hu{}]", 3)])
    with pytest.raises(ValueError, match="pad_to"):
        unify(text, MARKERS, BOOKS, pad_to=300)
    with pytest.raises(ValueError, match="another text tokenizer"):
        save(tmp_path, bpe.Tokenizer(size=260).train(["other"]), unify(text, MARKERS, BOOKS))
    with pytest.raises(ValueError, match="no vocabulary here"):
        load(tmp_path)


def words(count: int) -> Tokenizer:
    return Tokenizer(
        models.WordLevel({"<unk>": 0, "<s>": 1} | {f"w{i}": i for i in range(2, count)}, unk_token="<unk>")
    )


SYSTEMS: dict[str, tuple[int, dict[str, Any], list[tuple[str, str, int]], dict[str, int]]] = {
    "spirit-lm-base": (
        32_000, {"markers": MARKERS, "pad_to": 32_512}, [("hubert", "[Hu{}]", 501)],
        {"[Text]": 32_000, "[Speech]": 32_001, "[Hu0]": 32_002, "[Hu500]": 32_502},
    ),
    "spirit-lm-expressive": (
        32_000, {"markers": MARKERS, "pad_to": 32_768},
        [("hubert", "[Hu{}]", 501), ("pitch", "[Pi{}]", 64), ("style", "[St{}]", 100)],
        {"[Hu500]": 32_502, "[Pi0]": 32_503, "[Pi63]": 32_566, "[St0]": 32_567, "[St99]": 32_666},
    ),
    "step-audio-2": (
        151_665, {
            "markers": {"tts": "<tts_start>", "tts-end": "<tts_end>", "tts-pad": "<tts_pad>"}, "codes_from": 151_696,
            "trailing": {"audio-pad": "<audio_6561>"},
        },
        [("audio", "<audio_{}>", 6561)],
        {"<tts_start>": 151_665, "<audio_0>": 151_696, "<audio_6560>": 158_256, "<audio_6561>": 158_257},
    ),
    "step-audio-aqaa": (
        65_536, {"markers": {"start": "<audio_start>", "end": "<audio_end>"}},
        [("linguistic", "<audio_{}>", 1024), ("semantic", "<audio_{1024}>", 4096)],
        {"<audio_start>": 65_536, "<audio_0>": 65_538, "<audio_1023>": 66_561, "<audio_1024>": 66_562, "<audio_5119>": 70_657},
    ),
}  # fmt: skip


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_token_of_the_four_systems_goes_to_its_id_and_back(system: str, tmp_path: Path) -> None:
    size, layout, books, ids = SYSTEMS[system]
    backend = words(size)
    vocabulary = unify(backend, layout["markers"], books, **{k: v for k, v in layout.items() if k != "markers"})
    spelt = dict(added(vocabulary))
    assert {literal: spelt[literal] for literal in ids} == ids
    assert sorted(spelt.values()) == list(range(size, size + len(spelt)))
    save(tmp_path, backend, vocabulary)
    assert load(tmp_path)[0] == vocabulary
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for literal, i in spelt.items():
        assert tokenizer.token_to_id(literal) == i and tokenizer.id_to_token(i) == literal
    run = list(spelt.items())[:: max(1, len(spelt) // 500)]
    assert tokenizer.encode("".join(literal for literal, _ in run)).ids == [i for _, i in run]


def test_codes_cannot_begin_among_the_markers() -> None:
    with pytest.raises(ValueError, match="`codes_from` is 11, but text and markers take the ids up to 11"):
        unify(words(10), MARKERS, [], codes_from=11)
