"""A recipe becomes stages; backends that do not fit are named by the key that chose them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from weft.pipelines.choices.recipe_faults import RecipeFault
from weft.pipelines.compose import Compose
from weft.pipelines.graph import Pipeline
from weft.pipelines.parts.splits import HoldOutNames
from weft.pipelines.parts.stage_work import PartWork
from weft.pipelines.parts.work import Work
from weft.schemas.recipe import Recipe
from weft.schemas.recipe_file import load
from weft.schemas.resources import Resources
from weft.tokenizers.hubert import Tokenizer as Hubert
from weft.tokenizers.models.learned import write_config


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
    return [node.name for node in Pipeline(recipe(**changes)).nodes(source)]


def composing(works: Iterable[Work]) -> dict[str, Compose]:
    """The stages of the work that makes samples, by the node."""
    parts = (work for work in works if isinstance(work, PartWork))
    return {work.node: work.stage for work in parts if isinstance(work.stage, Compose)}


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
    write_config(tmp_path, Hubert(size=7, rate=50).model_dump(mode="json"), {})
    chosen = {"hubert": {"use": "hubert", "folder": str(tmp_path), "batch": 5}}
    with pytest.raises(RecipeFault, match="no trained tokenizer here"):
        _ = Pipeline(recipe(tasks={}, tokenizers=chosen)).tokenizers
    (tmp_path / "card.json").write_text('{"use": "hubert"}')
    pipeline = Pipeline(recipe(tasks={}, tokenizers=chosen))
    made = pipeline.tokenizers["hubert"]
    assert isinstance(made, Hubert) and (made.size, made.rate, made.batch) == (7, 50, 5)
    works = pipeline.works({"speech": 1})
    assert [type(w).__name__ for w in works if w.node == "models/hubert"] == ["CopyWork"]


def test_what_learns_nothing_waits_for_no_part(tmp_path: Path) -> None:
    parts = {"speech": 3, "dialogues": 1, "books": 2}
    assert models_need(Pipeline(recipe()), parts) == {"models/hubert": 4, "vocabulary": 6}
    chosen = {"hubert": {"use": "hubert", "model": str(tmp_path), "codebook": str(tmp_path / "codebook.npy")}}
    pipeline = Pipeline(recipe(tokenizers=chosen, text={"use": "pretrained", "model": str(tmp_path)}))
    assert models_need(pipeline, parts) == {"models/hubert": 0, "vocabulary": 0}


def models_need(pipeline: Pipeline, parts: dict[str, int]) -> dict[str, int]:
    works = pipeline.works(parts)
    return {work.node: len(work.needs) for work in works if work.node in ("models/hubert", "vocabulary")}


PATCHES = [
    {"marker": f"audio-{part}", "literal": f"<audio_{part}>", "modality": "audio"} for part in ("start", "patch", "end")
]
LATENT: dict[str, Any] = {
    "tasks": {
        "asr": {
            "use": "turns", "sources": ["speech"], "turns": [{"role": "human", "say": "audio"}, {"role": "assistant", "say": "text"}],
        }
    },
    "vocabulary": {"tokens": PATCHES}, "encoder": {"use": "step_audio"},
}  # fmt: skip
FAULTS: dict[str, tuple[dict[str, Any], tuple[str, ...], str]] = {
    "a speech tokenizer for text": ({"text": {"use": "hubert"}}, ("text", "use"), "is for speech"),
    "a text tokenizer for speech": (
        {"tokenizers": {"hubert": {"use": "bpe"}}}, ("tokenizers", "hubert", "use"), "is for text",
    ),
    "a marker that is not spelt": (
        {"tasks": {"s": {"use": "speech", "sources": ["speech"], "open": "begin"}}}, ("vocabulary", "tokens"), "the marker 'begin'",
    ),
    "a padding that is not spelt": (
        {"tasks": {"r": {"use": "ratio", "sources": ["speech"], "of": ["text", "hubert"], "sizes": [1, 4], "text_pad": "pad"}}},
        ("vocabulary", "tokens"), "'pad'",
    ),
    "text for a task of speech": (
        {"tasks": {"words": {"use": "words", "sources": ["books"]}}}, ("tasks", "words", "sources"), "gives documents",
    ),
    "a field that a folder never gives": (
        {"tasks": {"t": {"use": "turns", "sources": ["speech"], "turns": [{"role": "assistant", "say": {"field": "answer"}}]}}},
        ("tasks", "t", "sources"),
        "'speech' never gives the field 'answer' (its records have no fields), which this task needs",
    ),
    "speech message of documents": (
        {"tasks": {"t": {"use": "turns", "sources": ["books"], "turns": [{"role": "assistant", "say": "hubert"}]}}},
        ("tasks", "t", "sources"),
        "gives documents",
    ),
    "a tokenizer that is not there": (
        {"tasks": {"s": {"use": "speech", "sources": ["speech"], "stream": "s3"}}}, ("tasks", "s", "stream"),
        "is neither under",
    ),
    "units of no tokenizer": ({"tokenizers": {}}, ("tasks", "words", "stream"), "no `tokenizers:` to take codes from"),
    "a backend that is not there": ({"align": {"use": "oracle"}}, ("align", "use"), "oracle"),
    "words in time of no aligner": ({"align": {"use": "none"}}, ("tasks", "words", "use"), "puts none there"),
    "a trained tokenizer that is not there": (
        {"tokenizers": {"hubert": {"use": "hubert", "folder": "nowhere"}}}, ("tokenizers", "hubert", "folder"),
        "nowhere: no trained tokenizer here",
    ),
    "latent audio without an encoder": (LATENT | {"encoder": None}, ("tasks", "asr"), "add `encoder: {use: step_audio}`"),
    "an image without an encoder": (
        LATENT | {"tasks": {"asr": {"use": "turns", "sources": ["speech"], "turns": [{"role": "assistant", "say": "image"}]}}},
        ("tasks", "asr"),
        "add `image_encoder: {use: grid}`",
    ),
    "a marker of latent audio that is not declared": (
        LATENT | {"vocabulary": {"tokens": PATCHES[1:]}}, ("vocabulary", "tokens"),
        'the marker \'audio-start\', which is not in the list: add it, such as {marker: audio-start, literal: "<audio_start>", ',
    ),
    "a marker of latent audio that counts as speech": (
        LATENT | {"vocabulary": {"tokens": [PATCHES[0], {**PATCHES[1], "modality": "speech"}, PATCHES[2]]}}, ("vocabulary", "tokens"),
        "'audio-patch' for latents: declare it with `modality: audio`",
    ),
    "an encoder that is not there": (
        LATENT | {"encoder": {"use": "wisper"}}, ("encoder", "use"), "unknown encoder 'wisper'; known: qwen2",
    ),
    "an encoder of no tokenizer": (
        LATENT | {"encoder": {"use": "tokenizer", "tokenizer": "mimi"}}, ("encoder", "tokenizer"), "'mimi' is not under `tokenizers:`",
    ),
    "a setting that is not there": ({"segment": {"use": "silero", "longst": 3}}, ("segment", "longst"), "not permitted"),
}  # fmt: skip


@pytest.mark.parametrize("section", ["tokenizers", "streams"])
def test_a_name_that_a_turn_says_is_taken(section: str) -> None:
    named = (
        {"audio": {"use": "hubert"}} if section == "tokenizers" else {"audio": {"merge": "time", "of": ["hubert", "b"]}}
    )
    tokenizers = {"hubert": {"use": "hubert"}, "b": {"use": "hubert"}}
    with pytest.raises(ValueError, match=f"{section}.audio: a turn says `audio` by that name; choose another"):
        recipe(**{"tokenizers": tokenizers, section: named})


def test_an_encoder_is_given_to_the_tasks_that_need_it_alone() -> None:
    tasks = {**LATENT["tasks"], "text": {"use": "text", "sources": ["books"]}}
    vocabulary = {"tokens": [*PATCHES, {"marker": "text", "literal": "[Text]"}]}
    for encoder in ({"use": "whisper"}, {"use": "tokenizer", "tokenizer": "hubert"}):
        pipeline = Pipeline(recipe(**LATENT | {"tasks": tasks, "encoder": encoder, "vocabulary": vocabulary}))
        pipeline.check()
        stages = composing(pipeline.works({"speech": 1, "books": 1}))
        asr, text = stages["compose/asr/pass-0/speech"], stages["compose/text/pass-0/books"]
        assert asr.encoder == pipeline.encoders.audio and text.encoder is None
        assert "libsndfile" in asr.version() and "libsndfile" not in text.version()
        assert "libsndfile" in " ".join(asr.made_from().values())
        assert "use encoder" in asr.made_from()


@pytest.mark.parametrize(("changes", "path", "message"), FAULTS.values(), ids=FAULTS)
def test_backends_that_do_not_fit(changes: dict[str, Any], path: tuple[str, ...], message: str) -> None:
    with pytest.raises(RecipeFault) as fault:
        Pipeline(recipe(**changes)).check()
    assert fault.value.path == path
    assert message in f"{fault.value.message} {fault.value.kind}"


def test_turns_of_what_is_written_read_each_source_where_its_text_lies() -> None:
    task = {"use": "turns", "sources": ["speech", "books"], "turns": [{"role": "assistant", "say": "text"}]}
    works = Pipeline(recipe(tasks={"t": task})).compose("t", 0, {"speech": 1, "books": 1})
    assert [work.needs[0] for work in works] == ["segment/speech/part-00000.parquet", "ingest/books/part-00000.parquet"]


def test_every_part_knows_how_many_stages_stay_in_memory() -> None:
    works = Pipeline(recipe(stages_in_memory=2)).works({"speech": 1, "dialogues": 1, "books": 1})
    parts = [work for work in works if isinstance(work, PartWork)]
    assert {"compose", "ingest"} <= {work.node.partition("/")[0] for work in parts}
    assert {work.stages_in_memory for work in parts} == {2}


def test_work_stands_on_what_it_needs() -> None:
    works = Pipeline(recipe()).works({"speech": 2, "dialogues": 1, "books": 1})
    made = {work.makes for work in works}
    assert len(made) == len(works)
    for work in works:
        assert all(name in made or name.startswith("list/") for name in work.needs), work.makes


def test_a_tokenizer_is_trained_where_it_encodes() -> None:
    for device, gpus in (("cpu", 0), ("cuda", 1)):
        pipeline = Pipeline(recipe(tasks={}, tokenizers={"hubert": {"use": "hubert", "device": device}}))
        (work,) = (w for w in pipeline.works({"speech": 1}) if w.node == "models/hubert")
        assert work.resources == Resources(gpus=gpus)


STAGE = {
    "mixture": {"total": 100, "shares": {"words": 1, "text": 1}}, "context": 8, "model": {"base": "none"},
    "optimiser": {"lr": 1.0, "batch_tokens": 8},
}  # fmt: skip


def sources(**changes: dict[str, Any]) -> dict[str, Any]:
    """The recipe's sources, with more settings for some."""
    given = {
        "speech": {"use": "folder", "path": "raw"},
        "dialogues": {"use": "grammar"},
        "books": {"use": "text", "path": "b.txt"},
    }
    return {name: {**choice, **changes.get(name, {})} for name, choice in given.items()}


class TestSplits:
    def validation(self, **changes: Any) -> list[str]:
        pipeline = Pipeline(recipe(**({"training": {"pre": STAGE}} | changes)))
        return [w.makes for w in pipeline.works({"speech": 2, "dialogues": 1, "books": 1}) if "/validation/" in w.node]

    def test_evaluation_has_samples_of_what_may_be_held_out(self) -> None:
        assert self.validation(sources=sources()) == []
        held = sources(speech={"hold_out": {"speakers": 0.1}}, books={"hold_out": {"items": 0.1}})
        assert self.validation(sources=held) == [
            "compose/text/validation/books/part-00000.parquet", "compose/words/validation/speech/part-00000.parquet",
            "compose/words/validation/speech/part-00001.parquet",
        ]  # fmt: skip
        assert self.validation(sources=sources(speech={"split": "validation"})) == [
            f"compose/words/validation/speech/part-0000{n}.parquet" for n in range(2)
        ]
        assert self.validation(sources=held, training={}) == []

    def test_evaluation_has_samples_where_the_data_may_name_a_split(self) -> None:
        listed = sources(speech={"use": "manifest", "path": "m.jsonl"})
        assert len(self.validation(sources=listed)) == 2

    def test_a_task_of_another_split_is_not_evaluated_with(self) -> None:
        tasks = recipe().model_dump(mode="json")["tasks"]
        tasks["text"]["split"] = "test"
        held = sources(books={"hold_out": {"items": 0.1}, "path": "books"})
        assert self.validation(sources=held, tasks=tasks) == []
        pipeline = Pipeline(recipe(tasks=tasks, training={"pre": STAGE}))
        assert {stage.split for stage in composing(pipeline.compose("text", 0, {"books": 1})).values()} == {"test"}
        assert pipeline.tasks["text"].model_dump()["split"] == "test"  # and so in the corpus's recipe

    def test_a_validation_nodes_items_come_from_the_same_node_as_a_passs(self) -> None:
        pipeline = Pipeline(recipe())
        assert pipeline.first_input("compose/words/validation/speech") == pipeline.first_input(
            "compose/words/pass-0/speech"
        )

    def test_sources_that_share_speakers_hold_out_the_same_ones(self) -> None:
        more = {"speech": {"hold_out": {"speakers": 0.1}, "speakers": "people"}, "dialogues": {"speakers": "people"}}
        pipeline = Pipeline(recipe(sources=sources(**more)))
        one, other, books = (pipeline.splits(s) for s in ("speech", "dialogues", "books"))
        assert (one.space, one.hold_out) == (other.space, other.hold_out) and one.shared and not books.hold_out
        (space,) = pipeline.spaces
        assert (list(space.splits), space.where) == (
            ["speech", "dialogues"],
            "speakers people (sources speech, dialogues)",
        )
        assert pipeline.speaker_spaces == {"speech": "people", "dialogues": "people", "books": "books"}

    def test_where_words_are_only_aligned_a_dev_set_is_learned_from_too(self) -> None:
        for changes, split in (
            ({"tasks": {}, "tokenizers": {}}, "train"),
            ({"tasks": {}}, "validation"),
            ({}, "validation"),
        ):
            assert Pipeline(recipe(**changes)).splits("speech").of(HoldOutNames(split="dev")) == split

    def test_sources_that_share_nothing_have_speakers_of_their_own(self) -> None:
        more = {"speech": {"hold_out": {"speakers": 0.1}}, "dialogues": {"hold_out": {"speakers": 0.2}}}
        pipeline = Pipeline(recipe(sources=sources(**more)))
        assert [space.where for space in pipeline.spaces] == ["source speech", "source dialogues"]
        assert pipeline.speaker_spaces == {"speech": "speech", "books": "books"}

    def test_texts_and_dialogues_have_one_name_in_all_sources_and_files_do_not(self) -> None:
        more = {name: {"hold_out": {"items": 0.1}} for name in ("speech", "dialogues", "books")}
        pipeline = Pipeline(recipe(sources=sources(**more)))
        assert [name for name in more if pipeline.splits(name).by_text] == ["dialogues", "books"]

    @pytest.mark.parametrize(
        ("more", "path", "message"),
        [
            ({s: {"hold_out": {"speakers": n}, "speakers": "p"} for s, n in (("speech", 0.1), ("dialogues", 0.2))},
             ("sources", "dialogues", "hold_out"), "hold out the same share of them"),
            ({s: {"hold_out": {k: 0.1}, "speakers": "p"} for s, k in (("speech", "items"), ("dialogues", "speakers"))},
             ("sources", "speech", "hold_out"), "the same share of them"),
            ({"speech": {"speakers": "books"}}, ("sources", "speech", "speakers"), "'books' is the name of a source"),
            ({"speech": {"speakers": "Two Words"}}, ("sources", "speech", "speakers"), "'Two Words' is no name"),
            ({"speech": {"split": "banana"}}, ("sources", "speech", "split"), "no split; there are train, validation, test"),
            ({"speech": {"splits": {"odd": "banana"}}}, ("sources", "speech", "splits", "odd"), "'train', 'validation' or 'test'"),
            ({"speech": {"hold_out": {"speakers": 1}}}, ("sources", "speech", "hold_out", "speakers"), "less than 1"),
            ({"speech": {"hold_out": {"speakers": 0}}}, ("sources", "speech", "hold_out", "speakers"), "greater than 0"),
            ({"speech": {"hold_out": {"speakers": 0.1, "items": 0.1}}}, ("sources", "speech", "hold_out"), "name one kind"),
            ({"speech": {"hold_out": {"clips": 0.1}}}, ("sources", "speech", "hold_out"), "there are speakers, recordings, items"),
            ({"books": {"hold_out": {"speakers": 0.1}}}, ("sources", "books", "hold_out"), "text has no speakers to hold out"),
            ({"books": {"hold_out": {"recordings": 0.1}}}, ("sources", "books", "hold_out"), "text has no recordings"),
            ({"books": {"speakers": "people"}}, ("sources", "books", "speakers"), "text has no speakers"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_held_out(self, more: dict[str, Any], path: tuple[str, ...], message: str) -> None:
        with pytest.raises(RecipeFault) as fault:
            Pipeline(recipe(sources=sources(**more))).check()
        assert fault.value.path == path
        assert message in fault.value.message


def test_what_learns_waits_for_the_checks_of_its_own_sources() -> None:
    held = sources(speech={"hold_out": {"speakers": 0.1}}, books={"hold_out": {"items": 0.1}})
    works = Pipeline(recipe(sources=held)).works({"speech": 1, "dialogues": 1, "books": 1})
    needs = {work.node: set(work.needs) for work in works}
    assert "splits/speech.json" in needs["models/hubert"] and "splits/books.json" not in needs["models/hubert"]
    assert "splits/speech.json" in needs["aligner"]
    assert {"splits/speech.json", "splits/books.json"} <= needs["vocabulary"]


def test_speech_alone_needs_no_text_to_learn_from() -> None:
    speech = {"speech": {"use": "speech", "sources": ["speech"]}}
    for tasks, writes in ((speech, False), (recipe().tasks, True)):
        (work,) = [
            w
            for w in Pipeline(recipe(tasks=tasks)).works({"speech": 1, "dialogues": 1, "books": 1})
            if w.node == "vocabulary"
        ]
        assert work.writes_text == writes  # type: ignore[attr-defined]


def other_way_round(value: Any) -> Any:
    """The same with the keys of every mapping in the opposite order; lists keep theirs."""
    if isinstance(value, dict):
        return {key: other_way_round(value[key]) for key in reversed(value)}
    return [other_way_round(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", ["spirit-lm-expressive-small", "step-audio-2-small", "step-audio-aqaa-small"])
def test_nothing_depends_on_the_order_of_keys(name: str) -> None:
    """Ids of the vocabulary, merged streams, samples and what each piece of work is made of."""
    one = load(name)
    other = Recipe.model_validate(other_way_round(one.model_dump(mode="json")))
    assert list(other.sources) == list(reversed(one.sources))
    pipelines = Pipeline(one), Pipeline(other)
    parts = dict.fromkeys(one.sources, 1)
    entries, stages = [], []
    for pipeline in pipelines:
        entries.append(pipeline.vocabulary_work(parts).entries)
        works = [work for work in pipeline.works(parts) if isinstance(work, PartWork)]
        stages.append({work.makes: (work.stage, work.inputs, work.models) for work in works})
    assert entries[0] == entries[1]
    assert stages[0] == stages[1]
