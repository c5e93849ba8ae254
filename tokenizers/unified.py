"""One vocabulary for text, markers and codes, and the Hugging Face folder that holds it.

    unify(llama, [Entry("text", "[Text]"), Entry("speech", "[Speech]"), Entry("hubert", "[Hu{}]", size=501)], pad_to=32512)
    text 0…31999, [Text] 32000, [Speech] 32001, [Hu0] 32002 … [Hu500] 32502, padded to 32512   (Spirit LM, §2.1)

    unify(step_audio_2, [Entry("tts-start", "<tts_start>"), Entry("fsq", "<audio_{}>", size=6561)])
    <tts_start> 151693, <audio_0> 151696 … <audio_6560> 158256: the text tokenizer has them already

`save` writes `tokenizer.json`, in which markers and codes are added tokens with exactly these ids, and
`vocabulary.json`. Codes and markers are content: `decode(ids, skip_special_tokens=True)` keeps them and leaves out what begins, ends
and pads. That text never becomes one of them is the promise of `PlainText`, which has no added tokens at all.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from weft.schemas.fingerprint import digest
from weft.schemas.vocabulary import PAD, Codebook, Entry, Marker, Vocabulary, ends_among
from weft.tokenizers.text import PlainText

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    HuggingFace = PreTrainedTokenizerFast | Tokenizer


def unify(
    text: "HuggingFace",
    entries: Sequence[Entry],
    pad_to: int | None = None,
    multiple: int = 64,
    bos: bool = True,
) -> Vocabulary:
    """The vocabulary of a text tokenizer and these markers and codes.

    An entry whose literals are added tokens of the text tokenizer keeps their ids. Any other gets the next free ids, in the
    order given, or those from its `at` on; reserved markers fill a gap before it. The size is `pad_to`, or else the next
    multiple of `multiple`.

    Raises ValueError where two tokens would share a spelling or an id, where only some codes of an entry are there or not in
    order, where the text ids have gaps (`tokenizers` renumbers what follows one), or `pad_to` is too small.
    """
    backend = _backend(text)
    known = backend.get_vocab(with_added_tokens=True)
    text_size = max(known.values()) + 1
    if len(known) != text_size:
        raise ValueError(
            f"the text tokenizer has {len(known)} tokens but ids up to {text_size - 1}; they must be gapless"
        )
    _refuse_doubles(entries, known, {token.content for token in backend.get_added_tokens_decoder().values()})
    markers, books, end = _laid_out(entries, known, text_size)
    begins = _bos(text) if bos else None
    ends = _unique(*ends_among(markers), _named(text, "eos_token_id"))
    pads = _unique(*(m.id for m in markers if m.name == PAD), _named(text, "pad_token_id"), *ends, begins)
    return Vocabulary(
        text_size=text_size,
        bos=begins,
        markers=tuple(markers),
        codebooks=tuple(books),
        size=_padded(end, pad_to, multiple),
        text_fingerprint=_fingerprint(backend),
        pad=next(iter(pads), None),
        ends=ends,
    )


def _laid_out(entries: Sequence[Entry], known: Mapping[str, int], end: int) -> tuple[list[Marker], list[Codebook], int]:
    """Markers and codebooks with their ids, and the id after the last. `end` is the first free id."""
    markers: list[Marker] = []
    books: list[Codebook] = []
    for entry in entries:
        first = _first_known(entry, known)
        if first is None:
            first = _free(entry, end)
            markers += [_reserved(i) for i in range(end, first)]
            end = first + len(entry.literals)
        if entry.size:
            books.append(Codebook(tokenizer=entry.name, literal=entry.literal, first=first, size=entry.size))
        else:
            markers.append(Marker(name=entry.name, literal=entry.literal, id=first, modality=entry.modality))
    return markers, books, end


def _first_known(entry: Entry, known: Mapping[str, int]) -> int | None:
    """The id of an entry that the text tokenizer has; None where it has nothing of it. Raises ValueError."""
    ids = [known.get(literal) for literal in entry.literals]
    first = ids[0]
    if not any(i is not None for i in ids):
        return None
    if first is None or ids != list(range(first, first + len(ids))):
        count = sum(i is not None for i in ids)
        wrong = f"{count:,} of the {len(ids):,} codes of {entry.name!r} are in the text tokenizer"
        raise ValueError(
            f"{wrong}, and not all of them one after another: give it a literal that is all there, or not at all"
        )
    if entry.at not in (None, first):
        raise ValueError(f"{entry.literals[0]!r} has the id {first} in the text tokenizer, not {entry.at}")
    return first


def _free(entry: Entry, end: int) -> int:
    """Raises ValueError where `at` is an id that is taken."""
    if entry.at is not None and entry.at < end:
        raise ValueError(f"{entry.literals[0]!r} cannot be at {entry.at}: the ids up to {end - 1} are taken")
    return end if entry.at is None else entry.at


def _reserved(i: int) -> Marker:
    return Marker(name=f"reserved{i}", literal=f"<|reserved_{i}|>", id=i)


def added(vocabulary: Vocabulary) -> Iterator[tuple[str, int]]:
    """Spelling and id of every marker and code, by rising id."""
    codes = ((book.spelt(code), book.first + code) for book in vocabulary.codebooks for code in range(book.size))
    yield from sorted([*codes, *((m.literal, m.id) for m in vocabulary.markers)], key=lambda row: row[1])


def save(folder: Path, text: "HuggingFace", vocabulary: Vocabulary) -> None:
    """Write a folder that `AutoTokenizer.from_pretrained` and `load` read. Raises ValueError if text does not fit."""
    if _fingerprint(_backend(text)) != vocabulary.text_fingerprint:
        raise ValueError("the vocabulary was made with another text tokenizer")
    folder.mkdir(parents=True, exist_ok=True)
    record = json.loads(_backend(text).to_str())
    tokens = {token["id"]: token for token in record["added_tokens"]}
    tokens |= {i: _token(literal, i) for literal, i in added(vocabulary) if i >= vocabulary.text_size}
    for i in _content(vocabulary) & tokens.keys():
        tokens[i]["special"] = False
    record["added_tokens"] = [tokens[i] for i in sorted(tokens)]
    options = _options(text, vocabulary)
    (folder / "tokenizer.json").write_text(json.dumps(record, ensure_ascii=False), "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(options, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (folder / "vocabulary.json").write_text(vocabulary.to_json(), "utf-8")


def _content(vocabulary: Vocabulary) -> set[int]:
    """The ids of all codes, and of all markers but those that begin, end or pad and those that are reserved."""
    ids = {i for literal, i in added(vocabulary) if literal != _reserved(i).literal}
    return ids - {vocabulary.bos, vocabulary.pad, *vocabulary.ends}


def load(folder: Path) -> tuple[Vocabulary, Callable[[str], list[int]]]:
    """The vocabulary, and the encoder for transcripts: whatever they spell, its ids are text ids alone.

    Raises ValueError when the folder holds no vocabulary or its files do not belong together.
    """
    try:
        vocabulary = Vocabulary.from_json((folder / "vocabulary.json").read_text("utf-8"))
        backend = Tokenizer.from_str((folder / "tokenizer.json").read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{folder}: no vocabulary here ({error})") from None
    for literal, i in added(vocabulary):
        if backend.token_to_id(literal) != i:
            raise ValueError(
                f"{folder}: {literal} is {backend.token_to_id(literal)} in tokenizer.json and {i} in vocabulary.json"
            )
    return vocabulary, PlainText(backend).encode


def _backend(text: "HuggingFace") -> Tokenizer:
    return text if isinstance(text, Tokenizer) else text.backend_tokenizer


def _bos(text: "HuggingFace") -> int | None:
    return text.token_to_id("<s>") if isinstance(text, Tokenizer) else text.bos_token_id


def _named(text: "HuggingFace", name: str) -> int | None:
    """The id of a special token that the text tokenizer names, such as `eos_token_id`."""
    return None if isinstance(text, Tokenizer) else getattr(text, name)


def _unique(*ids: int | None) -> tuple[int, ...]:
    return tuple(dict.fromkeys(i for i in ids if i is not None))


def _fingerprint(backend: Tokenizer) -> str:
    return digest(json.loads(backend.to_str()))


def _padded(end: int, pad_to: int | None, multiple: int) -> int:
    if pad_to is None:
        return -(-end // multiple) * multiple
    if pad_to < end:
        raise ValueError(f"`pad_to` is {pad_to}, but the vocabulary has {end} ids")
    return pad_to


def _refuse_doubles(entries: Sequence[Entry], known: Mapping[str, int], special: set[str]) -> None:
    """Raises ValueError for a spelling that two tokens would share."""
    seen: set[str] = set()
    for entry in entries:
        for literal in entry.literals:
            if not literal:
                raise ValueError(f"{entry.name!r} is spelt with no letters")
            if literal in seen or (literal in known and literal not in special):
                taken = (
                    "another marker or code is spelt so" if literal in seen else "it is a word of the text tokenizer"
                )
                raise ValueError(f"{literal!r} cannot spell a marker or code: {taken}")
            seen.add(literal)


def _token(literal: str, i: int) -> dict[str, object]:
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {"id": i, "content": literal, **plain, "special": True}


def _options(text: "HuggingFace", vocabulary: Vocabulary) -> dict[str, object]:
    """tokenizer_config.json: the class, and the names of the special tokens: the vocabulary's, or else the text tokenizer's own."""
    named: dict[str, object] = {} if isinstance(text, Tokenizer) else dict(text.special_tokens_map)
    spelt = {i: literal for literal, i in added(vocabulary)}
    ids = {"bos_token": vocabulary.bos, "eos_token": vocabulary.end, "pad_token": vocabulary.pad}
    named |= {name: spelt.get(i, _backend(text).id_to_token(i)) for name, i in ids.items() if i is not None}
    named.pop("additional_special_tokens", None)
    return {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **named}
