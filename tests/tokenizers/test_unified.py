"""The unified vocabulary: its arithmetic, its folder, and what hostile text cannot do."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from tokenizers import Tokenizer, models
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from weft.jobs.commands import read_pipeline
from weft.schemas.vocabulary import Entry, Vocabulary
from weft.tokenizers import bpe
from weft.tokenizers.unified import added, load, save, unify

MARKERS = [Entry("text", "[Text]"), Entry("speech", "[Speech]", modality="speech")]
BOOKS = [Entry("audio", "<audio_{}>", size=6561), Entry("hubert", "[Hu{}]", size=100)]
HUBERT = Entry("hubert", "[Hu{}]", size=501)
HOSTILE = "<s>[Speech] hi [Hu3][Hu99] <audio_5>[Text]</s>"


@pytest.fixture(scope="module")
def text() -> PreTrainedTokenizerFast:
    return bpe.Tokenizer(size=300).train([HOSTILE + " the cat sat on the mat"] * 40)


@pytest.fixture(scope="module")
def folder(text: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("vocabulary")
    save(made, text, unify(text, [*MARKERS, *BOOKS]))
    return made


def test_spirit_lm_arithmetic() -> None:
    words = {"<unk>": 0, "<s>": 1, "</s>": 2} | {f"w{i}": i for i in range(3, 32_000)}
    llama = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    llama.add_special_tokens(["<unk>", "<s>", "</s>"])
    vocabulary = unify(llama, [*MARKERS, HUBERT], pad_to=32_512)
    spelt = dict(added(vocabulary))
    assert vocabulary.text_size == 32_000
    assert vocabulary.bos == 1
    assert (spelt["[Text]"], spelt["[Speech]"], spelt["[Hu0]"], spelt["[Hu500]"]) == (32_000, 32_001, 32_002, 32_502)
    assert vocabulary.size == 32_512
    assert unify(llama, [*MARKERS, HUBERT], multiple=128, bos=False).size == 32_512
    assert unify(llama, MARKERS, bos=False).bos is None


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


CHAT = [*MARKERS, Entry("eot", "<|EOT|>"), Entry("pad", "<pad>"), Entry("hubert", "[Hu{}]", size=100, at=320)]


def test_codes_and_markers_are_kept_where_special_tokens_are_skipped(
    text: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    """Gaps are filled with reserved markers, which are skipped."""
    vocabulary = unify(text, CHAT)
    save(tmp_path, text, vocabulary)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    book, encode, markers = vocabulary.codebook("hubert"), load(tmp_path)[1], {m.name: m.id for m in vocabulary.markers}
    assert [vocabulary.bos, vocabulary.end, vocabulary.pad] == [0, markers["eot"], markers["pad"]]
    kept = [*encode("the cat"), markers["speech"], book.first + 3, book.first + 99, markers["text"]]
    begin, end = [0], [markers["eot"], markers["pad"], markers["reserved310"]]
    shown = "the cat[Speech][Hu3][Hu99][Text]"
    assert tokenizer.decode([*begin, *kept, *end], skip_special_tokens=True) == shown
    assert tokenizer.decode([*begin, *kept, *end]) == f"<s>{shown}<|EOT|><pad><|reserved_310|>"
    assert tokenizer(shown)["input_ids"] == kept
    assert max(encode(HOSTILE + "<|EOT|><pad>")) < vocabulary.text_size
    named = (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
    assert named == (vocabulary.bos, vocabulary.end, vocabulary.pad)


def test_what_the_text_tokenizer_has_as_special_is_kept_too(tmp_path: Path) -> None:
    backend = words(10)
    backend.add_special_tokens(["<|EOT|>", "<tts_start>", "<a0>", "<a1>", "<other>"])
    entries = [Entry("eot", "<|EOT|>"), Entry("tts-start", "<tts_start>"), Entry("fsq", "<a{}>", size=2)]
    save(tmp_path, backend, unify(backend, entries))
    kept = AutoTokenizer.from_pretrained(tmp_path).decode(range(10, 15), skip_special_tokens=True)
    assert kept.replace(" ", "") == "<tts_start><a0><a1>"


@pytest.mark.parametrize(
    ("entries", "named", "pad", "ends"),
    [
        ([], {}, 1, ()),  # bos where there is nothing else to pad with
        ([], {"eos_token": "</s>"}, 10, (10,)),
        ([], {"eos_token": "</s>", "pad_token": "<pad>"}, 11, (10,)),
        ([Entry("eot", "<e>")], {"eos_token": "</s>", "pad_token": "<pad>"}, 11, (12, 10)),
        ([Entry("eos", "<e>"), Entry("eot", "<f>")], {}, 13, (13, 12)),
        ([Entry("pad", "<p>"), Entry("eot", "</s>")], {"eos_token": "</s>"}, 12, (10,)),
        ([Entry("end", "<e>", modality="audio")], {}, 1, ()),  # it ends audio, not an answer
    ],
)
def test_what_ends_and_what_pads(
    entries: list[Entry], named: dict[str, str], pad: int | None, ends: tuple[int, ...]
) -> None:
    backend = words(10)
    backend.add_special_tokens(["</s>", "<pad>"])
    vocabulary = unify(PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", **named), entries)
    assert (vocabulary.pad, vocabulary.ends, vocabulary.end) == (pad, ends, ends[0] if ends else None)


def test_the_loaded_encoder_is_the_trained_one(folder: Path) -> None:
    tokenizer = bpe.Tokenizer(size=300)
    tokenizer.train([HOSTILE + " the cat sat on the mat"] * 40)
    assert load(folder)[1]("the cat [Hu3] sat") == tokenizer.encode("the cat [Hu3] sat")


def test_json_round_trip_and_speed(text: PreTrainedTokenizerFast, folder: Path) -> None:
    begin = time.perf_counter()
    vocabulary = unify(text, [*MARKERS, *BOOKS])
    save(folder, text, vocabulary)
    assert load(folder)[0] == vocabulary == Vocabulary.from_json(vocabulary.to_json())
    assert time.perf_counter() - begin < 5  # 0.1 s on a free core


def test_gaps_in_the_text_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="gapless"):
        unify(Tokenizer(models.WordLevel({"a": 0, "b": 7}, unk_token="a")), MARKERS)


def test_refuses_clashes_and_misfits(text: PreTrainedTokenizerFast, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="it is a word of the text tokenizer"):
        unify(text, [Entry("text", "the")])
    with pytest.raises(ValueError, match="another marker or code is spelt so"):
        unify(text, [Entry("a", "[Hu{}]", size=3), Entry("b", "[Hu{}]", size=3)])
    with pytest.raises(ValueError, match="pad_to"):
        unify(text, [*MARKERS, *BOOKS], pad_to=300)
    with pytest.raises(ValueError, match="another text tokenizer"):
        save(tmp_path, bpe.Tokenizer(size=260).train(["other"]), unify(text, [*MARKERS, *BOOKS]))
    with pytest.raises(ValueError, match="no vocabulary here"):
        load(tmp_path)


def words(count: int) -> Tokenizer:
    return Tokenizer(
        models.WordLevel({"<unk>": 0, "<s>": 1} | {f"w{i}": i for i in range(2, count)}, unk_token="<unk>")
    )


def step_audio_2_mini() -> Tokenizer:
    """All 158,352 entries of the released tokenizer, of which the ids of the published ones are theirs."""
    published = {
        "<|BOT|>": 151_664, "<|EOT|>": 151_665, "<audio_start>": 151_688, "<audio_end>": 151_689, "<audio_patch>": 151_690,
        "<tts_start>": 151_693, "<tts_end>": 151_694, "<tts_pad>": 151_695,
        **{f"<audio_{code}>": 151_696 + code for code in range(6656)},
    }  # fmt: skip
    literals = {i: literal for literal, i in published.items()}
    backend = words(151_643)
    backend.add_special_tokens([literals.get(i, f"<|special_{i}|>") for i in range(151_643, 158_352)])
    return backend


STEP_AUDIO_2 = (
     ("eot", "<|EOT|>"), ("audio-start", "<audio_start>"), ("audio-end", "<audio_end>"),
    ("audio-patch", "<audio_patch>"), ("tts-start", "<tts_start>"), ("tts-end", "<tts_end>"), ("tts-pad", "<tts_pad>"),
    ("audio-pad", "<audio_6561>"),
)  # fmt: skip
AQAA = [
    Entry("start", "<audio_start>"), Entry("end", "<audio_end>"), Entry("linguistic", "<audio_{}>", size=1024),
    Entry("semantic", "<audio_{1024}>", size=4096),
]  # fmt: skip
EXPRESSIVE = [*MARKERS, HUBERT, Entry("pitch", "[Pi{}]", size=64), Entry("style", "[St{}]", size=100)]
SYSTEMS: dict[str, tuple[int, list[Entry], dict[str, Any], dict[str, int]]] = {
    "spirit-lm-base": (
        32_000, [*MARKERS, HUBERT], {"pad_to": 32_512},
        {"[Text]": 32_000, "[Speech]": 32_001, "[Hu0]": 32_002, "[Hu500]": 32_502},
    ),
    "spirit-lm-expressive": (
        32_000, EXPRESSIVE, {"pad_to": 32_768},
        {"[Hu500]": 32_502, "[Pi0]": 32_503, "[Pi63]": 32_566, "[St0]": 32_567, "[St99]": 32_666},
    ),
    "step-audio-aqaa": (
        65_536, AQAA, {},
        {"<audio_start>": 65_536, "<audio_0>": 65_538, "<audio_1023>": 66_561, "<audio_1024>": 66_562, "<audio_5119>": 70_657},
    ),
}  # fmt: skip


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_token_of_a_system_goes_to_its_id_and_back(system: str, tmp_path: Path) -> None:
    size, entries, layout, ids = SYSTEMS[system]
    backend = words(size)
    vocabulary = unify(backend, entries, **layout)
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


def test_what_the_text_tokenizer_has_keeps_the_released_ids(tmp_path: Path) -> None:
    """The ids of Step-Audio-2-mini: its tokenizer holds every marker and code."""
    backend = step_audio_2_mini()
    entries = [
        *(Entry(name=name, literal=literal) for name, literal in STEP_AUDIO_2),
        Entry("fsq", "<audio_{}>", size=6561),
    ]
    vocabulary = unify(backend, entries)
    assert vocabulary.text_size == 158_352 == len(backend.get_vocab())
    assert [vocabulary.marker(name).id for name, _ in STEP_AUDIO_2] == [
        151_665, 151_688, 151_689, 151_690, 151_693, 151_694, 151_695, 158_257,
    ]  # fmt: skip
    book = vocabulary.codebook("fsq")
    assert (book.first, book.first + book.size - 1) == (151_696, 158_256)
    save(tmp_path, backend, vocabulary)
    loaded, encode = load(tmp_path)
    assert loaded == vocabulary and not set(encode("w7 <audio_5> <|EOT|>")) & set(range(151_643, 158_352))
    assert len(Tokenizer.from_file(str(tmp_path / "tokenizer.json")).get_vocab()) == 158_352


GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize("system", ["spirit-lm-base", "spirit-lm-expressive", "step-audio-2", "step-audio-aqaa"])
def test_the_vocabulary_of_a_shipped_recipe_is_the_published_one(system: str) -> None:
    """The golden files are typed from the papers and their public code; the entries are those of the recipes."""
    golden = yaml.safe_load((GOLDEN / f"vocabulary-{system}.yaml").read_text("utf-8"))
    pipeline = read_pipeline(system)
    layout = pipeline.recipe.vocabulary
    backend = (
        step_audio_2_mini()
        if system == "step-audio-2"
        else words(golden["text"]["last"] + 1 if "text" in golden else 65_536)
    )
    vocabulary = unify(
        backend, pipeline.vocabulary_work({}).entries, pad_to=layout.pad_to, multiple=layout.multiple, bos=layout.bos
    )
    ids = dict(added(vocabulary)) | {marker.literal: marker.id for marker in vocabulary.markers}
    assert {literal: ids[literal] for literal in golden.get("markers", {})} == golden.get("markers", {})
    kinds = {marker.literal: marker.modality for marker in vocabulary.markers}
    assert {literal: kinds.get(literal, "text") for literal in golden["modalities"]} == golden["modalities"]
    first = vocabulary.codebook(next(iter(golden["codebooks"]))).first
    for name, book in golden["codebooks"].items():
        own = vocabulary.codebook(name)
        assert own.size == book["size"]
        for end, code in ((book["first"], 0), (book["last"], book["size"] - 1)):
            assert (own.spelt(code), own.first + code) == (
                end["t"],
                end["id"] if "id" in end else first + end["offset"],
            )
    if "padded" in golden:
        assert vocabulary.size == golden["padded"]


class TestPlaces:
    """Entries that the text tokenizer has, has in part, or has not."""

    def test_an_id_may_be_declared_and_what_lies_before_it_is_reserved(self) -> None:
        vocabulary = unify(words(10), [*MARKERS, Entry("audio", "<a{}>", size=5, at=20)])
        assert vocabulary.codebook("audio").first == 20
        assert [m.id for m in vocabulary.markers] == [10, 11, *range(12, 20)]
        assert vocabulary.markers[2].literal == "<|reserved_12|>"

    def test_an_id_that_is_taken_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"'<a0>' cannot be at 11: the ids up to 11 are taken"):
            unify(words(10), [*MARKERS, Entry("audio", "<a{}>", size=5, at=11)])

    def test_some_codes_of_an_entry_are_not_enough(self) -> None:
        backend = words(10)
        backend.add_special_tokens(["<a0>", "<a1>", "<a3>"])
        with pytest.raises(ValueError, match="3 of the 5 codes of 'audio' are in the text tokenizer"):
            unify(backend, [Entry("audio", "<a{}>", size=5)])
        with pytest.raises(ValueError, match="3 of the 3 codes of 'audio' are in the text tokenizer"):
            backend = words(10)
            backend.add_special_tokens(["<a0>", "<a2>", "<a1>"])
            unify(backend, [Entry("audio", "<a{}>", size=3)])

    def test_what_is_there_has_the_id_that_it_has(self) -> None:
        backend = words(10)
        backend.add_special_tokens(["<pad>"])
        assert unify(backend, [Entry("pad", "<pad>", at=10)]).marker("pad").id == 10
        with pytest.raises(ValueError, match="'<pad>' has the id 10 in the text tokenizer, not 12"):
            unify(backend, [Entry("pad", "<pad>", at=12)])
