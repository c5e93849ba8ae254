"""`weft plan`: what sources hold, from listings and headers, and whether it is enough."""

import builtins
import gzip
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from weft.jobs.commands import read_pipeline
from weft.jobs.costs import REAL_TIME, stage_times, steps_of, training_times
from weft.jobs.known_rejects import KnownRejects
from weft.jobs.sampled_sizes import sampled_size
from weft.jobs.shortages import shortages
from weft.jobs.source_sizes import SourceSize
from weft.jobs.turn_amounts import BYTES_A_SECOND
from weft.pipelines.audio.sound import flac
from weft.pipelines.segmenters.base import Segmenter
from weft.pipelines.sources import folder, grammar, manifest, text
from weft.tokenizers.training.hubert_settings import HubertTraining

Weft = Callable[..., tuple[int, str, str]]


def write_clip(path: Path, seconds: float) -> None:
    path.write_bytes(flac(np.zeros(round(16000 * seconds), np.float32), 16000))


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., str]:
    """A recipe of text alone: 40 paragraphs of 400 bytes, and this mixture."""
    (tmp_path / "a.txt").write_text("\n\n".join("word " * 79 + "word" for _ in range(40)))

    def write(**mixture: Any) -> str:
        stage = {
            "mixture": {"shares": {"text": 1}, **mixture},
            "context": 64,
            "model": {"config": {"model_type": "llama"}},
            "optimiser": {"lr": 0.001, "batch_tokens": 64},
        }
        settings = {
            "name": "small",
            "sources": {"books": {"use": "text", "path": str(tmp_path / "a.txt"), "documents": "paragraph"}},
            "text": {"use": "bpe"},
            "tasks": {"text": {"use": "text", "sources": ["books"]}},
            "training": {"pre": stage},
        }
        (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(settings))
        return str(tmp_path / "recipe.yaml")

    return write


class TestHoldings:
    def test_text_counts_its_documents_and_bytes(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("\n\n".join(["é" * 100] * 50))
        (tmp_path / "b.jsonl").write_text(
            "".join(json.dumps({"text": "x" * 100, "url": "y" * 900}) + "\n" for _ in "12345")
        )
        (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"z" * 5000))
        held = sampled_size("books", text.Source(path=str(tmp_path), documents="paragraph", stretch=1024))
        assert (held.records, held.bytes, held.unreadable) == (50 + 5 + 1, 10_000 + 500 + 5000, 0)

    def test_much_text_is_read_in_part_and_scaled(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("\n\n".join(["word " * 20] * 5000))
        held = sampled_size("books", text.Source(path=str(tmp_path), documents="paragraph", stretch=4096), most=20)
        assert held.read == 20 and held.items == 125
        assert held.records == pytest.approx(5000, rel=0.1) and held.bytes == pytest.approx(495_000, rel=0.1)

    def test_headers_of_some_files_stand_for_all(self, tmp_path: Path) -> None:
        for n in range(60):
            write_clip(tmp_path / f"{n}.flac", 1 + n % 3)
        source = folder.Source(path=str(tmp_path))
        whole, some = sampled_size("speech", source), sampled_size("speech", source, most=20)
        assert (whole.read, whole.items, whole.seconds) == (60, 60, 120.0)
        assert (some.read, some.items) == (20, 60) and some.seconds == pytest.approx(120, rel=0.25)
        assert some == sampled_size("speech", source, most=20)

    def test_turns_of_dialogues_are_utterances(self) -> None:
        held = sampled_size("dialogues", grammar.Source(count=5))
        assert (
            held.items == 5
            and held.records >= 20
            and held.seconds == pytest.approx(held.fields["text"] / BYTES_A_SECOND)
        )

    def test_what_build_rejects_is_counted_and_nothing_else_suffers(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_clip(tmp_path / "good.flac", 2)
        (tmp_path / "raw.raw").write_bytes(bytes(3200))
        (tmp_path / "broken.wav").write_bytes(b"RIFF\0\0")
        (tmp_path / "gone.wav").symlink_to(tmp_path / "nothing")
        os.mkfifo(tmp_path / "pipe.wav")
        with open(os.fsencode(tmp_path) + b"/\xff.wav", "wb"):
            pass
        opens = builtins.open

        def guarded(file: Any, *rest: Any, **options: Any) -> Any:
            assert not (os.path.exists(file) and stat.S_ISFIFO(os.stat(file).st_mode)), "reading a pipe never ends"
            return opens(file, *rest, **options)

        monkeypatch.setattr(builtins, "open", guarded)
        held = sampled_size("speech", folder.Source(path=str(tmp_path)))
        assert (held.items, held.unreadable, held.seconds) == (6, 4, 2.0)  # one has no name that can be used

    def test_text_that_build_rejects_holds_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("good")
        (tmp_path / "b.txt").write_text("")
        os.mkfifo(tmp_path / "c.txt")
        held = sampled_size("books", text.Source(path=str(tmp_path)))
        assert (held.items, held.records, held.bytes, held.unreadable) == (3, 1, 4, 0)

    def test_text_that_is_listed_and_not_there_holds_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("one document")
        (tmp_path / "b.txt").symlink_to(tmp_path / "nothing")
        assert sampled_size("books", text.Source(path=str(tmp_path))).records == 1


class TestLengths:
    def test_a_recording_that_may_have_several_utterances_is_not_called_too_short(self, tmp_path: Path) -> None:
        for name, seconds in (("one", 5), ("tiers", 6), ("cut", 90), ("short", 31)):
            write_clip(tmp_path / f"{name}.flac", seconds)
        (tmp_path / "one.txt").write_text("a b")
        (tmp_path / "tiers.TextGrid").write_text("")
        held = sampled_size("speech", folder.Source(path=str(tmp_path)), segmenter=Segmenter())
        assert held.lengths == {1: 1, 2: 2, 5: 1}
        assert (held.of_length(2).items, held.of_length(2).records, held.of_length(6).seconds) == (3, 9, 0.0)

    def test_stretches_that_cannot_be_are_not_counted(self, tmp_path: Path) -> None:
        write_clip(tmp_path / "day.flac", 100)
        lines = [
            {"audio": "day.flac", "offset": 1, "duration": seconds, "text": "so"}
            for seconds in (3, 4, -1, float("nan"), "no", None, 0.1, 200)
        ]
        (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        held = sampled_size("speech", manifest.Source(path=str(tmp_path / "manifest.jsonl")))
        assert (held.lengths, held.seconds) == ({2: 1}, 7.0)


class TestKnownRejects:
    def test_one_transcript_for_too_much_holds_nothing(self, tmp_path: Path) -> None:
        for name, seconds in (("short", 5), ("long", 40), ("timed", 41), ("silent", 42)):
            write_clip(tmp_path / f"{name}.flac", seconds)
        for name, content in (("short.txt", "a b"), ("long.txt", "a b"), ("silent.txt", " "), ("timed.ctm", "")):
            (tmp_path / name).write_text(content)
        held = sampled_size("speech", folder.Source(path=str(tmp_path)), segmenter=Segmenter())
        assert (held.items, held.seconds) == (4, 88.0)
        assert held.rejects == KnownRejects(long_transcripts=1, seconds=40.0)

    def test_stretches_of_a_manifest_are_looked_at_one_by_one(self, tmp_path: Path) -> None:
        write_clip(tmp_path / "day.flac", 100)
        write_clip(tmp_path / "bare.flac", 50)
        stretches = [{"offset": 0, "duration": 35, "text": "a"}, {"offset": 40, "duration": 20, "text": "b"}]
        lines = [{"audio": "day.flac", **stretch} for stretch in stretches] + [{"audio": "bare.flac"}]
        (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        held = sampled_size("speech", manifest.Source(path=str(tmp_path / "manifest.jsonl")), segmenter=Segmenter())
        assert (held.records, held.seconds) == (4, 70.0)
        assert held.rejects == KnownRejects(long_transcripts=1, seconds=35.0, without_text=1)

    def test_a_plan_says_what_the_build_will_reject(self, weft: Weft, tmp_path: Path) -> None:
        write_clip(tmp_path / "long.flac", 40)
        write_clip(tmp_path / "bare.flac", 2)
        (tmp_path / "long.txt").write_text("a b")
        recipe = {
            "name": "r",
            "sources": {"speech": {"use": "folder", "path": str(tmp_path)}},
            "tokenizers": {"hubert": {"use": "hubert"}},
            "tasks": {"words": {"use": "words", "sources": ["speech"]}},
        }
        (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
        _, output, _ = weft("plan", str(tmp_path / "r.yaml"))
        assert "speech: 1 recording with 0.011 h under one transcript of more than 30 s each" in output
        assert "rejects them (long_transcript): `weft align`" in output
        assert "1 recording without a transcript" in output and "words will reject them (no_transcript)" in output


class TestShortages:
    def test_too_little_data_exits_with_1_and_says_where_and_what_to_do(self, weft: Weft, recipe: Callable) -> None:
        code, output, _ = weft("plan", recipe(total=40_000))
        last = output.splitlines()[-1]
        assert code == 1 and last.startswith("too little data: stage pre declares 40,000 tokens of text,")
        assert "one pass over books holds about 3,240" in last and "training.pre.mixture.scale" in last
        assert "exhausted: repeat, passes: 13" in last  # of 80 words and a marker each

    def test_a_plan_begins_with_the_description(self, weft: Weft, recipe: Callable) -> None:
        _, output, _ = weft("plan", recipe(total=3000), "name=mine", "description=half of each")
        assert output.startswith("mine: half of each\n")

    @pytest.mark.parametrize(
        "mixture",
        [
            {"total": 3000},
            {"total": 40_000, "exhausted": "repeat", "passes": 13},
            {"total": 40_000, "exhausted": "stop"},
            {"total": 40, "unit": "samples"},
            {"total": 50, "unit": "batches"},
        ],
    )
    def test_enough_data_or_a_stage_that_may_end_early_exits_with_0(
        self, weft: Weft, recipe: Callable, mixture: dict[str, Any]
    ) -> None:
        code, output, _ = weft("plan", recipe(**mixture))
        assert code == 0 and "too little" not in output

    def test_samples_are_documents_not_files(self, recipe: Callable) -> None:
        pipeline = read_pipeline(recipe(total=41, unit="samples"))
        (sentence,) = shortages(pipeline, {"books": sampled_size("books", pipeline.sources["books"])})
        assert "41 samples of text, one pass over books holds about 40" in sentence

    def test_data_that_does_not_say_how_much_it_is_is_not_called_too_little(self, recipe: Callable) -> None:
        pipeline = read_pipeline(recipe(total=1000))
        assert shortages(pipeline, {"books": SourceSize(items=4, read=4, unreadable=4)}) == []
        assert shortages(pipeline, {"books": SourceSize(items=4, read=4, bytes=2400, records=1, unreadable=2)}) == []
        assert (
            len(shortages(pipeline, {"books": SourceSize(items=4, read=4, bytes=1600, records=1, unreadable=2)})) == 1
        )

    def test_what_no_header_says_is_reported_as_left_out(self, weft: Weft, tmp_path: Path) -> None:
        write_clip(tmp_path / "a.flac", 2)
        (tmp_path / "urls.txt").write_text("https://host/a.flac\nhttps://host/b.flac\n")
        sources = {
            "web": {"use": "urls", "path": str(tmp_path / "urls.txt")},
            "raw": {"use": "folder", "path": str(tmp_path)},
        }
        (tmp_path / "r.yaml").write_text(yaml.safe_dump({"name": "r", "sources": sources}))
        code, output, _ = weft("plan", str(tmp_path / "r.yaml"))
        flat = " ".join(output.split())
        assert code == 0 and "web: the length of 2 items is not known before the build, and is in no figure" in flat
        assert "raw: the length" not in flat


class TestLearning:
    def test_what_learns_is_in_the_estimate(self, weft: Weft, tmp_path: Path) -> None:
        write_clip(tmp_path / "a.flac", 2)
        sources = {"speech": {"use": "folder", "path": str(tmp_path)}}
        tokenizers = {"hubert": {"use": "hubert", "training": {"steps": 1000, "swaps": 0}}}
        (tmp_path / "r.yaml").write_text(yaml.safe_dump({"name": "r", "sources": sources, "tokenizers": tokenizers}))
        code, output, _ = weft("plan", str(tmp_path / "r.yaml"))
        assert code == 0 and "models, one core, about: models/hubert 0:" in output and "aligner 0:00:00" in output

    def test_it_grows_with_steps_and_with_the_training_speech(self) -> None:
        few, many = HubertTraining(steps=10, swaps=0, iterations=1), HubertTraining(steps=10, swaps=5, iterations=2)
        assert (steps_of(few), steps_of(many), steps_of(None)) == (10, 25, 0)

    def test_the_default_hubert_trains_in_three_minutes(self, tmp_path: Path) -> None:
        """On as much speech as there may be: an hour of audio is listed, of which the default takes its share."""
        sources = {"speech": {"use": "folder", "path": str(tmp_path)}}
        recipe = {"name": "r", "sources": sources, "tokenizers": {"hubert": {"use": "hubert"}}}
        (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
        pipeline = read_pipeline(str(tmp_path / "r.yaml"))
        times = training_times(pipeline, {"speech": SourceSize(items=900, read=900, seconds=3600.0)})
        assert 60 < times["models/hubert"] <= 180

    def test_only_stages_of_the_recipe_have_a_time(self, tmp_path: Path) -> None:
        sources = {"speech": {"use": "folder", "path": str(tmp_path)}}
        tokenizers = {"hubert": {"use": "hubert"}, "pitch": {"use": "pitch"}}
        recipe = {"name": "r", "sources": sources, "align": {"use": "none"}, "tokenizers": tokenizers}
        (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
        pipeline = read_pipeline(str(tmp_path / "r.yaml"))
        times = stage_times(pipeline, {"speech": SourceSize(items=900, read=900, seconds=3600.0)})
        assert set(times) == {"ingest", "encode"}
        assert times["encode"] == 2 * 3600.0 / REAL_TIME["encode"]

    def test_a_plan_as_json(self, weft: Weft, recipe: Callable) -> None:
        code, output, _ = weft("plan", recipe(total=40_000), "--json")
        record = json.loads(output)
        assert code == 1 and record["stages"]["pre"][0]["wanted"] == 40_000
        assert record["sources"]["books"]["items"] == 1 and "vocabulary" in record["seconds_on_one_core"]
        assert record["too_little_data"][0].startswith("too little data")

    def test_a_folder_with_raw_samples_is_planned(self, weft: Weft, tmp_path: Path) -> None:
        write_clip(tmp_path / "a.flac", 2)
        for name in ("b.raw", "c.RAW", "d.wav"):
            (tmp_path / name).write_bytes(b"" if name == "d.wav" else bytes(64))
        (tmp_path / "r.yaml").write_text(f"name: r\nsources: {{speech: {{use: folder, path: {tmp_path}}}}}\n")
        assert weft("plan", str(tmp_path / "r.yaml"))[0] == 0
