"""One vocabulary for text, markers and codes, and the Hugging Face folder that holds it.

    unify(llama, {"text": "[Text]", "speech": "[Speech]"}, [("hubert", "[Hu{}]", 501)], pad_to=32512)
    text 0…31999, [Text] 32000, [Speech] 32001, [Hu0] 32002 … [Hu500] 32502, padded to 32512   (Spirit LM, §2.1)

`save` writes `tokenizer.json`, in which markers and codes are added tokens with exactly these ids, and
`vocabulary.json`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from weft.schemas.fingerprint import digest
from weft.schemas.vocabulary import Codebook, Marker, Vocabulary
from weft.tokenizers.text import PlainText

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    HuggingFace = PreTrainedTokenizerFast | Tokenizer


def unify(
    text: "HuggingFace",
    markers: Mapping[str, str],
    codebooks: Sequence[tuple[str, str, int]],
    pad_to: int | None = None,
    multiple: int = 64,
    bos: bool = True,
    codes_from: int | None = None,
    trailing: Mapping[str, str] | None = None,
) -> Vocabulary:
    """Text ids first, then markers, then the codes of each (tokenizer, literal with {}, size), in the order given, then
    `trailing` markers. With `codes_from` the codes begin at that id, and reserved markers fill what lies before it.

    The size is `pad_to`, or else the next multiple of `multiple`. Raises ValueError when two tokens would share a
    spelling, the text ids have gaps (`tokenizers` renumbers what follows one), or `pad_to` is too small.
    """
    backend = _backend(text)
    known = backend.get_vocab(with_added_tokens=True)
    text_size = max(known.values()) + 1
    if len(known) != text_size:
        raise ValueError(
            f"the text tokenizer has {len(known)} tokens but ids up to {text_size - 1}; they must be gapless"
        )
    marked = _marked({**markers, **_reserved(text_size + len(markers), codes_from)}, text_size)
    books, end = [], text_size + len(marked)
    for tokenizer, literal, size in codebooks:
        books.append(Codebook(tokenizer, literal, end, size))
        end += size
    marked += _marked(trailing or {}, end)
    end += len(trailing or {})
    vocabulary = Vocabulary(
        text_size,
        _bos(text) if bos else None,
        tuple(marked),
        tuple(books),
        _padded(end, pad_to, multiple),
        _fingerprint(backend),
    )
    _refuse_doubles([literal for literal, _ in added(vocabulary)], known)
    return vocabulary


def _marked(markers: Mapping[str, str], first: int) -> list[Marker]:
    return [Marker(name, literal, first + i) for i, (name, literal) in enumerate(markers.items())]


def _reserved(end: int, codes_from: int | None) -> dict[str, str]:
    """Raises ValueError where the codes would begin among the markers."""
    if codes_from is not None and codes_from < end:
        raise ValueError(f"`codes_from` is {codes_from}, but text and markers take the ids up to {end - 1}")
    return {f"reserved{n}": f"<|reserved_{n}|>" for n in range(max(0, (codes_from or end) - end))}


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
    record["added_tokens"] += [_token(literal, i) for literal, i in added(vocabulary)]
    options = _options(text, vocabulary)
    (folder / "tokenizer.json").write_text(json.dumps(record, ensure_ascii=False), "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(options, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (folder / "vocabulary.json").write_text(vocabulary.to_json(), "utf-8")


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


def _fingerprint(backend: Tokenizer) -> str:
    return digest(json.loads(backend.to_str()))


def _padded(end: int, pad_to: int | None, multiple: int) -> int:
    if pad_to is None:
        return -(-end // multiple) * multiple
    if pad_to < end:
        raise ValueError(f"`pad_to` is {pad_to}, but the vocabulary has {end} ids")
    return pad_to


def _refuse_doubles(literals: list[str], known: Mapping[str, int]) -> None:
    seen: set[str] = set()
    for literal in literals:
        if not literal or literal in seen or literal in known:
            raise ValueError(
                f"{literal!r} cannot spell a marker or code: {'it is taken' if literal else 'it is empty'}"
            )
        seen.add(literal)


def _token(literal: str, i: int) -> dict[str, object]:
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {"id": i, "content": literal, **plain, "special": True}


def _options(text: "HuggingFace", vocabulary: Vocabulary) -> dict[str, object]:
    """tokenizer_config.json: the class, and the text tokenizer's own names for its special tokens."""
    named = {} if isinstance(text, Tokenizer) else dict(text.special_tokens_map)
    bos = None if vocabulary.bos is None else _backend(text).id_to_token(vocabulary.bos)
    if bos is not None:
        named.setdefault("bos_token", bos)
    named.pop("additional_special_tokens", None)
    return {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **named}
