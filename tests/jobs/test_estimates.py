"""Estimated tokens of a task: codes whose equal neighbours become one are fewer than frames, others are not."""

from pathlib import Path

import pytest

from weft.jobs.commands import make_pipeline, read_pipeline
from weft.jobs.estimates import Use
from weft.jobs.sampled_sizes import sampled_size
from weft.jobs.source_sizes import SourceSize
from weft.jobs.token_rates import BYTES_A_TOKEN, KEPT_BY_DEDUP, TEXT_RATE
from weft.jobs.turn_tokens import OTHER_BYTES, SIGNS_BYTES
from weft.pipelines.graph import Pipeline
from weft.tokenizers import bpe

RECIPE = {
    "name": "some",
    "sources": {"read": {"use": "folder", "path": "."}},
    "tokenizers": {"linguistic": {"use": "linguistic"}, "fsq": {"use": "fsq"}, "hubert": {"use": "hubert"}},
    "streams": {"dual": {"merge": "groups", "of": ["linguistic", "fsq"], "sizes": [2, 3]}},
    "text": {"use": "bpe"},
    "align": {"use": "none"},
}


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ({"use": "speech", "stream": "hubert"}, 25 * KEPT_BY_DEDUP),
        ({"use": "speech", "stream": "fsq"}, 25),
        ({"use": "speech", "stream": "dual"}, 25 + 1 / 0.06),
        ({"use": "ratio", "of": ["text", "fsq"], "sizes": [1, 4]}, 25 + TEXT_RATE),
        ({"use": "utterances", "speech": {"say": "fsq"}}, (25 + TEXT_RATE) / 2),
    ],
    ids=["deduplicated", "every-frame", "merged", "with-text", "text-or-speech"],
)
def test_tokens_of_a_second_of_speech(task: dict[str, object], expected: float) -> None:
    pipeline = make_pipeline({**RECIPE, "tasks": {"one": {"sources": ["read"], **task}}})
    held = SourceSize(items=1, records=4, seconds=1.0, lengths={4: 1})
    assert Use(pipeline, "one", "read").tokens(held) == pytest.approx(expected, rel=1e-3)


def test_an_image_supplies_its_placeholders_beside_its_caption() -> None:
    pipeline = read_pipeline("step-audio-aqaa-small")
    held = SourceSize(items=10, read=10, records=10, bytes=400)
    markers = 2  # of an image; the pictures' captions are not what the text tokenizer is trained on
    assert Use(pipeline, "images", "pictures").tokens(held) == 10 * (256 + markers) + 400 / OTHER_BYTES
    assert Use(pipeline, "text", "text").tokens(held) == 100


MARKED = {
    "vocabulary": {"tokens": [{"marker": name, "literal": f"<{name}>"} for name in ("bot", "eot")]},
    "templates": {"chat": {"open": "bot", "close": "eot"}},
}
INSTRUCTION = "Translate the speech into German, and leave out what nobody needs to know."


def templated(text: dict[str, object], source: dict[str, object], **task: object) -> Pipeline:
    turns = {"use": "turns", "sources": ["read"], "template": "chat"}
    return make_pipeline(
        {**RECIPE, **MARKED, "sources": {"read": source}, "text": text, "tasks": {"one": {**turns, **task}}}
    )


def test_what_a_template_writes_is_counted_by_the_text_tokenizer_where_it_is_there(tmp_path: Path) -> None:
    made = bpe.Tokenizer(size=300).train(["human assistant translate the speech"])
    made.save_pretrained(tmp_path / "text")
    turns = [
        {"role": "system", "say": {"literal": INSTRUCTION}},
        {"role": "human", "say": "text"},
        {"role": "assistant", "say": {"field": "answer"}},
    ]
    source = {"use": "text", "path": "lines.jsonl"}
    pipeline = templated({"use": "pretrained", "model": str(tmp_path / "text")}, source, turns=turns)
    held = SourceSize(items=1, records=10, bytes=400, fields={"answer": 40, "question": 4000})
    written = [f"{role}\n" for role in ("system", "human", "assistant")]
    template = sum(len(made.encode(text)) for text in (*written, INSTRUCTION)) + 2 * len(written)
    assert Use(pipeline, "one", "read").tokens(held) == 10 * template + (400 + 40) / BYTES_A_TOKEN


def test_without_its_tokenizer_a_template_is_as_long_as_its_bytes() -> None:
    turns = [{"role": "human", "say": {"literal": INSTRUCTION}}, {"role": "assistant", "say": "fsq"}]
    pipeline = templated({"use": "bpe"}, {"use": "folder", "path": "."}, turns=turns)
    held = SourceSize(items=10, records=10, seconds=4.0)
    length = len("human\n" + INSTRUCTION + "assistant\n")
    assert Use(pipeline, "one", "read").tokens(held) == pytest.approx(10 * (4 + length / SIGNS_BYTES) + 4 * 25)


@pytest.mark.parametrize("name", ["s2st", "s2s-chat", "mixed-chat", "tools", "reasoning", "prompts"])
def test_tasks_with_a_template_are_estimated_by_what_is_in_it(name: str) -> None:
    """Tokens a sample as `make corpora` counted them; the estimates were 0.3 to 2.4 times as many before."""
    counted = {"s2st": 274, "s2s-chat": 461, "mixed-chat": 374, "tools": 970, "reasoning": 126, "prompts": 74}
    pipeline = read_pipeline("step-audio-2-small")
    (source,) = pipeline.tasks[name].sources
    held = sampled_size(source, pipeline.sources[source])
    assert Use(pipeline, name, source).tokens(held) / held.items == pytest.approx(counted[name], rel=0.25)
