"""A recipe becomes stages; backends that do not fit are named by the key that chose them."""

from pathlib import Path
from typing import Any

import pytest

from weft.pipelines.graph import House, RecipeFault
from weft.schemas.recipe import Recipe
from weft.schemas.resources import Resources
from weft.tokenizers.hubert import Tokenizer as Hubert


def recipe(**changes: Any) -> Recipe:
    whole: dict[str, Any] = {
        "name": "graph",
        "sources": {
            "speech": {"use": "folder", "path": "raw"},
            "dialogues": {"use": "grammar", "count": 2},
            "books": {"use": "text", "path": "books"},
        },
        "tokenizers": {"hubert": {"use": "hubert"}},
        "tasks": {
            "words": {"use": "words", "sources": ["speech", "dialogues"]},
            "text": {"use": "text", "sources": ["books"]},
        },
    }
    return Recipe.model_validate(whole | changes)


def nodes(source: str, **changes: Any) -> list[str]:
    return [node for node, *_ in House(recipe(**changes)).stages(source)]


def test_each_kind_of_source_goes_its_own_way() -> None:
    heard = ["segment", "align", "encode/hubert"]
    assert nodes("speech") == [f"{s}/speech" for s in ("ingest", *heard)]
    assert nodes("dialogues") == [f"{s}/dialogues" for s in ("ingest", "synthesize", *heard)]
    assert nodes("books") == ["ingest/books"]


def test_what_no_task_needs_is_not_done() -> None:
    only_speech = {"speech": {"use": "speech", "sources": ["speech"]}}
    assert nodes("speech", tasks=only_speech) == ["ingest/speech", "segment/speech", "encode/hubert/speech"]
    assert nodes("dialogues", tasks=only_speech) == [f"{s}/dialogues" for s in ("ingest", "synthesize", "segment")]


def test_without_tasks_everything_is_aligned_and_encoded() -> None:
    assert nodes("speech", tasks={}) == [f"{s}/speech" for s in ("ingest", "segment", "align", "encode/hubert")]
    assert nodes("speech", tasks={}, align={"use": "none"}) == [
        f"{s}/speech" for s in ("ingest", "segment", "encode/hubert")
    ]


def test_a_trained_tokenizer_keeps_its_settings_and_is_copied(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(Hubert(size=7, rate=50).model_dump_json())
    chosen = {"hubert": {"use": "hubert", "folder": str(tmp_path), "batch": 5}}
    with pytest.raises(RecipeFault, match="no trained tokenizer here"):
        _ = House(recipe(tasks={}, tokenizers=chosen)).tokenizers
    (tmp_path / "card.json").write_text('{"use": "hubert"}')
    house = House(recipe(tasks={}, tokenizers=chosen))
    made = house.tokenizers["hubert"]
    assert isinstance(made, Hubert) and (made.size, made.rate, made.batch) == (7, 50, 5)
    works = house.works({"speech": 1})
    assert [type(w).__name__ for w in works if w.node == "models/hubert"] == ["CopyWork"]


FAULTS: dict[str, tuple[dict[str, Any], tuple[str, ...], str]] = {
    "a speech tokenizer for text": ({"text": {"use": "hubert"}}, ("text", "use"), "is for speech"),
    "a text tokenizer for speech": (
        {"tokenizers": {"hubert": {"use": "bpe"}}}, ("tokenizers", "hubert", "use"), "is for text",
    ),
    "a marker that is not spelt": (
        {"tasks": {"asr": {"use": "asr", "sources": ["speech"]}}}, ("vocabulary", "markers"), "writes the marker 'asr'",
    ),
    "a padding that is not spelt": (
        {"tasks": {"r": {"use": "ratio", "sources": ["speech"], "text_pad": "pad"}}}, ("vocabulary", "markers"), "'pad'",
    ),
    "text for a task of speech": (
        {"tasks": {"words": {"use": "words", "sources": ["books"]}}}, ("tasks", "words", "sources"), "gives documents",
    ),
    "a tokenizer that is not there": (
        {"tasks": {"s": {"use": "speech", "sources": ["speech"], "tokenizer": "s3"}}}, ("tasks", "s", "tokenizer"),
        "is not under",
    ),
    "units of no tokenizer": ({"tokenizers": {}}, ("tasks", "words", "tokenizer"), "no `tokenizers:` to take units from"),
    "a backend that is not there": ({"align": {"use": "oracle"}}, ("align", "use"), "oracle"),
    "words in time of no aligner": ({"align": {"use": "none"}}, ("tasks", "words", "use"), "puts none there"),
    "a trained tokenizer that is not there": (
        {"tokenizers": {"hubert": {"use": "hubert", "folder": "nowhere"}}}, ("tokenizers", "hubert", "folder"),
        "nowhere: no trained tokenizer here",
    ),
    "a setting that is not there": ({"segment": {"use": "silero", "longst": 3}}, ("segment", "longst"), "not permitted"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "path", "said"), FAULTS.values(), ids=FAULTS)
def test_backends_that_do_not_fit(changes: dict[str, Any], path: tuple[str, ...], said: str) -> None:
    with pytest.raises(RecipeFault) as fault:
        House(recipe(**changes)).check()
    assert fault.value.path == path
    assert said in f"{fault.value.message} {fault.value.kind}"


def test_work_stands_on_what_it_needs() -> None:
    works = House(recipe()).works({"speech": 2, "dialogues": 1, "books": 1})
    made = {work.makes for work in works}
    assert len(made) == len(works)
    for work in works:
        assert all(name in made or name.startswith("list/") for name in work.needs), work.makes


def test_a_tokenizer_is_trained_where_it_encodes() -> None:
    for device, gpus in (("cpu", 0), ("cuda", 1)):
        house = House(recipe(tasks={}, tokenizers={"hubert": {"use": "hubert", "device": device}}))
        (work,) = (w for w in house.works({"speech": 1}) if w.node == "models/hubert")
        assert work.resources == Resources(cpus=2, gpus=gpus)
