"""How many bytes of text are a token: by the text tokenizer, on some of the text."""

import json
from pathlib import Path
from typing import Any

import pytest

from weft.jobs.commands import make_pipeline
from weft.jobs.estimates import Use
from weft.jobs.forecast import source_sizes
from weft.jobs.text_rates import BYTES_A_WORD, with_text_rates
from weft.jobs.token_rates import BYTES_A_TOKEN
from weft.pipelines.graph import Pipeline
from weft.tokenizers import bpe

TEXT = (
    "the old farmer walks slowly through the garden and the dog runs after him, and nobody knows where they are going"
)


def pipeline(folder: Path, text: dict[str, Any], lines: int = 20) -> Pipeline:
    (folder / "a.jsonl").write_text("".join(json.dumps({"text": f"{TEXT} {n}"}) + "\n" for n in range(lines)))
    source = {"use": "text", "path": str(folder / "a.jsonl")}
    tasks = {"t": {"use": "text", "sources": ["s"]}}
    vocabulary = {"tokens": [{"marker": "text", "literal": "[Text]"}]}
    return make_pipeline(
        {"name": "one", "sources": {"s": source}, "tasks": tasks, "text": text, "vocabulary": vocabulary}
    )


def test_a_small_tokenizer_is_trained_to_see_what_it_spells(tmp_path: Path) -> None:
    made = pipeline(tmp_path, {"use": "bpe", "size": 400})
    (size,) = source_sizes(made, 100).values()
    tokenizer = bpe.Tokenizer(size=400).train([f"{TEXT} {n}" for n in range(20)])
    tokens = sum(len(tokenizer.encode(f"{TEXT} {n}")) for n in range(20))
    assert size.bytes_a_token == pytest.approx(size.bytes / tokens)
    assert Use(made, "t", "s").tokens(size) == pytest.approx(tokens + 20)  # and a marker each


def test_a_checkpoint_that_is_there_spells_the_text(tmp_path: Path) -> None:
    tokenizer = bpe.Tokenizer(size=300).train([TEXT])
    tokenizer.save_pretrained(tmp_path / "text")
    made = pipeline(tmp_path, {"use": "pretrained", "model": str(tmp_path / "text")})
    tokens = sum(len(tokenizer.encode(f"{TEXT} {n}")) for n in range(20))
    assert Use(made, "t", "s").tokens(source_sizes(made, 100)["s"]) == pytest.approx(tokens + 20)


def test_a_checkpoint_that_is_not_there_has_the_typical_rate(tmp_path: Path) -> None:
    made = pipeline(tmp_path, {"use": "pretrained", "model": str(tmp_path / "none")})
    (size,) = source_sizes(made, 100).values()
    assert size.bytes_a_token is None
    assert Use(made, "t", "s").tokens(size) == size.bytes / BYTES_A_TOKEN + 20


def test_too_little_of_much_text_is_not_trained_on(tmp_path: Path) -> None:
    made = pipeline(tmp_path, {"use": "bpe", "size": 400})
    (size,) = source_sizes(made, 100).values()
    length = sum(len(text.encode()) for text in size.texts)
    assert length < BYTES_A_WORD * 400
    much = with_text_rates(made, {"s": size.scaled(50).scaled(1)})
    assert much["s"].bytes_a_token is None


def test_kinds_of_text_that_stand_together_are_spelt_in_their_proportion(tmp_path: Path) -> None:
    """Where as many lines as are spelt stand before others that have many more tokens a byte; of their fields too."""
    bpe.Tokenizer(size=400).train([TEXT] * 5).save_pretrained(tmp_path / "text")
    made = pipeline(tmp_path, {"use": "pretrained", "model": str(tmp_path / "text")})
    texts = [f"{TEXT} {n}" for n in range(300)] + [f"{n * 7919:x} = {n:o};" * 12 for n in range(900)]
    lines = [{"text": one, "question": one} for one in texts]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (size,) = source_sizes(made, 100).values()
    tokenizer = bpe.Tokenizer(size=400).train([TEXT] * 5)
    tokens = sum(len(tokenizer.encode(one)) for one in texts)
    assert size.bytes / tokens == pytest.approx(size.bytes_a_token, rel=0.15)
    assert size.rates["question"] == pytest.approx(size.bytes_a_token, rel=0.15)


def test_fields_of_several_files_are_spelt_in_their_proportion(tmp_path: Path) -> None:
    """Where each file alone has more values than are spelt, and others have many more tokens a byte."""
    tokenizer = bpe.Tokenizer(size=400).train([TEXT] * 5)
    tokenizer.save_pretrained(tmp_path / "text")
    (tmp_path / "many").mkdir()
    texts = {"a": [f"{TEXT} {n}" for n in range(300)], "b": [f"{n * 7919:x} = {n:o};" * 12 for n in range(300)]}
    for name, values in texts.items():
        lines = [json.dumps({"text": one, "question": one}) + "\n" for one in values]
        (tmp_path / "many" / f"{name}.jsonl").write_text("".join(lines))
    source, text = (
        {"use": "text", "path": str(tmp_path / "many")},
        {"use": "pretrained", "model": str(tmp_path / "text")},
    )
    made = make_pipeline({"name": "one", "sources": {"s": source}, "text": text})
    (size,) = source_sizes(made, 100).values()
    tokens = sum(len(tokenizer.encode(one)) for values in texts.values() for one in values)
    assert size.rates["question"] == pytest.approx(size.bytes / tokens, rel=0.15)


def test_fields_and_turns_are_spelt_by_themselves(tmp_path: Path) -> None:
    """Numbers and signs, where the documents are words."""
    answers = [f"{n * 7919} = {n} * 7919; 0x{n * 7919:x}" for n in range(30)]
    tokenizer = bpe.Tokenizer(size=300).train([TEXT])
    tokenizer.save_pretrained(tmp_path / "text")
    lines = [{"turns": [{"role": "human", "text": one}], "answer": one} for one in answers]
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    turns = [{"role": "human", "say": "text"}, {"role": "assistant", "say": {"field": "answer"}}]
    made = make_pipeline(
        {
            "name": "one",
            "sources": {"s": {"use": "script", "path": str(tmp_path / "s.jsonl")}},
            "text": {"use": "pretrained", "model": str(tmp_path / "text")},
            "tasks": {"t": {"use": "turns", "sources": ["s"], "turns": turns}},
        }
    )
    tokens = sum(len(tokenizer.encode(one)) for one in answers)
    assert Use(made, "t", "s").tokens(source_sizes(made, 100)["s"]) == pytest.approx(2 * tokens)
