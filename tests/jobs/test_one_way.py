"""The way of one utterance goes one way: no file of weft that is at work is called back by what it called.

stage  ->  what is done around every backend of its kind  ->  the backend          and never backend -> stage

A short clip, and a recording that is aligned in windows, go through the aligner `adapted` and the tokenizers `cepstra` and `hubert`.
The clip's audio is also latents of a task. The samples of the other tasks end in a trained step.
"""

import re
from pathlib import Path

import pytest
import yaml

from tests.jobs.call_watch import CallWatch
from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.pipelines.audio.sound import flac
from weft.pipelines.graph import Pipeline
from weft.pipelines.storage.store import Store
from weft.pipelines.voices.base import Style
from weft.pipelines.voices.espeak import Voice
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.train import train

ROOT = Path(__file__).parents[2]
STAGES = {"ingest", "segment", "align", "encode", "compose", "order", "plan", "shards", "index", "train"}
WITHOUT_SAMPLES = {"plan"}  # it sees counts alone, so the page does not go there
TEXT = "nobody ordered the bottle from the kitchen but the guest shared it with the others at the table"
VOICES = ("f2", "m3", "f4")  # together more than the 10 s of speech that `adapted` learns from
LONG = 6  # times that the text is said in the long recording
LATENTS = ("start", "patch", "end")


def stage_of(*tasks: str) -> dict:
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    return {
        "mixture": {
            "unit": "samples", "total": 2, "shares": dict.fromkeys(tasks, 1), "passes": 2, "exhausted": "repeat",
        },
        "context": 256,
        "model": {"config": {"model_type": "llama", **sizes}},
        "optimiser": {"lr": 0.001, "batch_tokens": 256, "steps": 1},
    }  # fmt: skip


RECIPE = {
    "name": "one",
    "segment": {"longest": 60},
    "align": {"use": "adapted", "max_seconds": 20},
    "tokenizers": {
        "units": {"use": "cepstra", "size": 8},
        "hubert": {
            "use": "hubert", "size": 8,
            "training": {
                "steps": 1, "swaps": 1, "hidden": 16, "layers": 2, "heads": 1, "clusters": 8, "prototypes": 8,
                "batch_seconds": 4, "crop_seconds": 2,
            },
        },
    },
    "text": {"use": "bpe", "size": 300},
    "encoder": {"use": "step_audio", "chunk": 2},
    "vocabulary": {
        "tokens": [
            {"marker": "text", "literal": "[Text]"},
            {"marker": "speech", "literal": "[Speech]", "modality": "speech"},
            *({"marker": f"audio-{part}", "literal": f"<audio_{part}>", "modality": "audio"} for part in LATENTS),
            {"codes": "units"},
            {"codes": "hubert"},
        ]
    },
    "tasks": {
        "words": {"use": "words", "sources": ["speech", "long"], "stream": "units"},
        "units": {"use": "speech", "sources": ["speech", "long"], "stream": "hubert"},
        "listen": {
            "use": "turns", "sources": ["speech"], "template": "plain",
            "turns": [{"role": "human", "say": "audio"}, {"role": "assistant", "say": "text"}],
        },
    },
    "templates": {"plain": {}},
    "training": {"pre": stage_of("words", "units"), "listening": stage_of("listen")},
}  # fmt: skip
ENTERED = {  # a file that each node enters, where the way goes
    "segment/speech": "pipelines/segment.py",
    "align/speech": "pipelines/aligners/adapted.py",
    "align/long": "pipelines/aligners/common/windows.py",
    "encode/units/speech": "tokenizers/cepstra.py",
    "encode/hubert/speech": "tokenizers/features/windows.py",
    "encode/hubert/long": "tokenizers/features/windows.py",
    "compose/words/pass-0/speech": "pipelines/tasks/words.py",
    "compose/listen/pass-0/speech": "pipelines/tasks/common/latents.py",
    "train": "trainer/loader.py",
}


def _recipe(root: Path) -> Pipeline:
    for folder, name, voice, times in (*(("raw", v, v, 1) for v in VOICES), ("long", "long", "f2", LONG)):
        (root / folder).mkdir(exist_ok=True)
        spoken = Voice().speak(" ".join([f"{TEXT}."] * times), Style("gmw/en-US", voice))
        (root / folder / f"{name}.flac").write_bytes(flac(spoken.samples, spoken.rate))
        (root / folder / f"{name}.txt").write_text(" ".join([TEXT] * times))
    sources = {
        "speech": {"use": "folder", "path": str(root / "raw")},
        "long": {"use": "folder", "path": str(root / "long")},
    }
    (root / "recipe.yaml").write_text(yaml.safe_dump({**RECIPE, "sources": sources}))
    return read_pipeline(str(root / "recipe.yaml"))


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> CallWatch:
    """Of a corpus and one step of its first stage."""
    root = tmp_path_factory.mktemp("one")
    pipeline, store = _recipe(root), Store(str(root / "corpus"))
    watch = CallWatch(ROOT)
    with watch.following():
        build(pipeline, store, LocalEngine(store), report=lambda event: None, expect=lambda works: None)
    vocabulary = Vocabulary.from_json(store.read("vocabulary/vocabulary.json").decode())
    stage = pipeline.recipe.training["pre"]
    shards, out = root / "corpus" / "shards" / "pre", root / "run"
    with watch.following("train"):
        train(shards, out, stage, vocabulary, recipe_text="", seed=0, resume=False, report=lambda step: None)
    return watch


def _by_stage(watch: CallWatch) -> dict[str, set[str]]:
    stages: dict[str, set[str]] = {}
    for node, files in watch.entered.items():
        if (stage := node.partition("/")[0]) in STAGES:
            stages.setdefault(stage, set()).update(files)
    return stages


def test_every_stage_is_followed(watch: CallWatch) -> None:
    stages = _by_stage(watch)
    assert stages.keys() == STAGES
    assert all(
        f"pipelines/{stage}.py" in stages[stage] for stage in ("ingest", "segment", "align", "encode", "compose")
    )


@pytest.mark.parametrize("node", ENTERED)
def test_each_way_goes_where_it_is_looked_at(watch: CallWatch, node: str) -> None:
    assert ENTERED[node] in watch.entered[node]


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_nothing_is_called_back(watch: CallWatch, stage: str) -> None:
    back = {node: sorted(calls) for node, calls in watch.back.items() if node.partition("/")[0] == stage}
    assert not back, yaml.safe_dump(back, width=200)


def _page() -> dict[str, set[str]]:
    """The files that docs/how-it-works.md names, by the headings of the stages, in their order."""
    _, *sections = (ROOT / "docs" / "how-it-works.md").read_text("utf-8").split("\n## ")
    by_stage = ((section.partition("\n")[0].lower(), section) for section in sections)
    return {stage: set(re.findall(r"`((?:\w+/)+\w+\.py)`", text)) for stage, text in by_stage if stage in STAGES}


def test_the_page_of_the_way_names_files_that_are_entered_there(watch: CallWatch) -> None:
    page, entered = _page(), _by_stage(watch)
    assert page.keys() == STAGES - WITHOUT_SAMPLES
    assert not {stage: named - entered[stage] for stage, named in page.items() if named - entered[stage]}


def test_the_page_has_the_order_of_the_work(watch: CallWatch) -> None:
    """Alignment and encoding need the utterance and not each other, so either may come first."""
    left_out = {"align", "encode", *WITHOUT_SAMPLES}
    assert [one for one in _page() if one not in left_out] == [one for one in _by_stage(watch) if one not in left_out]
