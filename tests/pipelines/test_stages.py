"""Each stage called directly: what comes out belongs to what went in, and each way to fail is a reject with its reason."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import soundfile

from weft.pipelines.align import Align
from weft.pipelines.aligners import base as aligners
from weft.pipelines.aligners import given
from weft.pipelines.aligners.base import Unalignable
from weft.pipelines.compose import Compose
from weft.pipelines.encode import Encode
from weft.pipelines.ingest import Ingest
from weft.pipelines.models.folders import commit_model
from weft.pipelines.parts.joining import JoinedRow
from weft.pipelines.parts.splits import Splits
from weft.pipelines.segment import Segment
from weft.pipelines.segmenters import silero
from weft.pipelines.sources import base as sources
from weft.pipelines.storage.store import Store
from weft.pipelines.synthesize import Synthesize
from weft.pipelines.tasks.speech import Task as Speech
from weft.pipelines.tasks.text import Task as Text
from weft.pipelines.tasks.words import Task as Words
from weft.pipelines.voices import base as voices
from weft.pipelines.voices.base import Style, Synthesized
from weft.pipelines.voices.espeak import Voice as Espeak
from weft.schemas.audio import Alignment, Audio, Codes, Recording, Utterance, Word
from weft.schemas.item import Item
from weft.schemas.ledger import HeldOutItem, Reject, Unavailable, Unusable
from weft.schemas.sample import ShardSample
from weft.schemas.splits import HoldOut
from weft.schemas.text import Dialogue, Document, Turn
from weft.schemas.vocabulary import Entry
from weft.tokenizers import bpe, stream
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.hubert import Tokenizer as Hubert
from weft.tokenizers.unified import save, unify

RATE = 16_000


def utterance(store: Store, key: str = "u-0", seconds: float = 1.0, **more: Any) -> Utterance:
    Path(store.root).mkdir(parents=True, exist_ok=True)
    sound = np.random.default_rng(1).uniform(-0.1, 0.1, round(seconds * RATE)).astype(np.float32)
    soundfile.write(f"{store.root}/{key}.wav", sound, RATE)
    return Utterance(
        key=key,
        recording=key[:-2],
        source="speech",
        audio=Audio(f"{store.root}/{key}.wav"),
        sha256="",
        start=0.0,
        end=seconds,
        **more,
    )


class EvenAligner(aligners.Aligner):
    """Words of equal length; `mumble` cannot be found."""

    def version(self) -> str:
        return "1"

    def align_clip(self, clip: aligners.Clip) -> aligners.Timed:
        if "mumble" in clip.spoken:
            raise Unalignable("mismatch", "nobody says mumble")
        each = len(clip.samples) / RATE / len(clip.spoken)
        return aligners.Timed(
            [Word(text=w, start=n * each, end=(n + 1) * each, score=-1.0) for n, w in enumerate(clip.spoken)]
        )


class EnglishAligner(EvenAligner):
    """As EvenAligner, of one language."""

    @property
    def spoken_language(self) -> str:
        return "en"


class Loudness(SpeechTokenizer):
    """Code 1 in the first half, 0 in the second, at 10 Hz."""

    rate: float = 10
    size: int = 2
    literal: str = "[L{}]"

    def train(self, speech: Any, folder: Path, seed: int) -> None: ...
    def load(self, folder: Path) -> None: ...
    def frames(self, n_samples: int) -> int:
        return n_samples // 1600

    def version(self) -> str:
        return "loudness-1"

    @property
    def checksum(self) -> str:
        return "0"

    @property
    def training_seconds(self) -> float:
        return 0.0

    def _ids(self, speech: Sequence[stream.Speech]) -> Iterator[np.ndarray]:
        for one in speech:
            count = self.frames(len(one.samples))
            yield (np.arange(count) < count // 2).astype(np.int32)


class TestAlign:
    def run(self, store: Store, *utterances: Utterance, aligner: aligners.Aligner | None = None) -> list[Any]:
        stage = Align(aligner=aligner or EvenAligner())
        stage.setup(store)
        return list(stage(utterances))

    def test_words_are_put_in_time(self, store: Store) -> None:
        (made,) = self.run(store, utterance(store, text="and so"))
        assert made == Alignment(
            key="u-0",
            seconds=1.0,
            aligner="test_stages 1",
            words=(Word(text="and", start=0, end=0.5, score=-1), Word(text="so", start=0.5, end=1, score=-1)),
            score=-1.0,
        )

    def test_given_words_win(self, store: Store) -> None:
        (made,) = self.run(store, utterance(store, text="mumble", words=(Word("mumble", 0.2, 0.4),)))
        assert made.words == (Word("mumble", 0.2, 0.4),) and made.aligner.startswith("given")

    def test_given_words_follow_the_settings_of_an_aligner_that_takes_them(self, store: Store) -> None:
        late = utterance(store, text="so", words=(Word("so", 0.2, 1.1),))
        (strict,), (lenient,) = (self.run(store, late, aligner=given.Aligner(slack=slack)) for slack in (0.05, 0.2))
        assert isinstance(strict, Reject) and strict.reason == "bad_timing"
        assert lenient.words == (Word("so", 0.2, 1.0),)

    def test_only_utterances_without_word_times_go_to_the_aligner(self, store: Store) -> None:
        timed = utterance(store, text="so", words=(Word("so", 0.2, 0.4),))
        aligned = self.run(store, timed, utterance(store, text="and"))
        assert [one.aligner for one in aligned] == ["given 1", f"{EvenAligner().called} {EvenAligner().version()}"]

    def test_audio_that_cannot_be_aligned_is_not_read(self, store: Store) -> None:
        german = replace(utterance(store, text="ja"), language="de")
        Path(german.audio.uri).unlink()
        (made,) = self.run(store, german, aligner=EnglishAligner())
        assert isinstance(made, Reject) and made.reason == "language"

    @pytest.mark.parametrize(("text", "reason"), [(None, "no_transcript"), ("mumble", "mismatch"), ("--", "no_words")])
    def test_what_cannot_be_aligned(self, store: Store, text: str | None, reason: str) -> None:
        (made,) = self.run(store, utterance(store, text=text))
        assert isinstance(made, Reject)
        assert (made.key, made.reason, made.seconds, made.stage) == ("u-0", reason, 1.0, "align")

    def test_a_file_that_went_since_it_was_ingested(self, store: Store) -> None:
        gone = utterance(store, "g-0", text="so")
        Path(gone.audio.uri).unlink()
        with pytest.raises(Unavailable):
            self.run(store, utterance(store, text="and"), gone, utterance(store, text="so"))

    def test_a_file_that_broke_since_it_was_ingested(self, store: Store) -> None:
        broken = utterance(store, "b-0", text="so")
        Path(broken.audio.uri).write_bytes(b"no audio")
        before, refused, after = self.run(store, utterance(store, text="and"), broken, utterance(store, text="so"))
        assert isinstance(refused, Reject) and (refused.key, refused.reason) == ("b-0", "not_audio")
        assert [w.text for made in (before, after) for w in made.words] == ["and", "so"]


class TestEncode:
    def test_it_is_the_same_wherever_checkpoints_lie(self) -> None:
        here, there = (Encode(name="h", tokenizer=Hubert(model=at)) for at in ("here/mhubert", "there/mhubert"))
        assert here.fingerprint() == there.fingerprint()
        assert here.fingerprint() != Encode(name="h", tokenizer=Hubert(model="here/mhubert", layer=3)).fingerprint()

    def run(self, store: Store, *utterances: Utterance) -> list[Any]:
        made = Path(store.root).with_name("made")
        made.mkdir(exist_ok=True)
        commit_model(store, "models/loud", made, {"use": "by hand"})
        stage = Encode(name="loud", tokenizer=Loudness())
        stage.setup(store)
        return list(stage(utterances))

    def test_frames_become_runs(self, store: Store) -> None:
        (made,) = self.run(store, utterance(store))
        assert made == Codes(
            key="u-0",
            seconds=1.0,
            tokenizers=("loud",),
            models=("loudness-1 0",),
            rate=10.0,
            ticks=10,
            which=(0, 0),
            ids=(1, 0),
            starts=(0, 5),
        )

    def test_less_than_a_frame_is_rejected_and_the_rest_goes_on(self, store: Store) -> None:
        short, whole = self.run(store, utterance(store, "s-0", 0.05), utterance(store))
        assert isinstance(short, Reject) and (short.key, short.reason) == ("s-0", "not_encodable")
        assert whole.ticks == 10

    def test_a_file_that_went_since_it_was_ingested(self, store: Store) -> None:
        gone = utterance(store, "g-0")
        Path(gone.audio.uri).unlink()
        with pytest.raises(Unavailable):
            self.run(store, gone, utterance(store))

    @pytest.mark.parametrize("missing", [0.03, 0.4, 20.0])
    def test_audio_that_is_shorter_than_it_was(self, store: Store, missing: float) -> None:
        made, whole = self.run(store, replace(utterance(store), end=1 + missing), utterance(store))
        assert isinstance(made, Reject) and made.reason == "wrong_length"
        assert whole.ticks == 10

    def test_another_version_makes_it_stale(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stage = Encode(name="loud", tokenizer=Loudness())
        before = stage.fingerprint()
        monkeypatch.setattr(Loudness, "version", lambda self: "loudness-2")
        assert stage.fingerprint() != before


class Listed(sources.Source):
    """`bad` cannot be read; all others are a second long."""

    @property
    def makes(self) -> type:
        return Recording

    def items(self, name: str) -> Iterator[Item]:
        return iter(())

    def read(self, item: Item, store: Store) -> Iterator[Recording]:
        if item.path == "bad":
            raise Unusable("truncated", "it ends early")
        yield Recording(
            key=item.key,
            source=item.source,
            path=item.path,
            audio=Audio("/a"),
            seconds=1.0,
            rate=RATE,
            channels=1,
            sha256="",
        )


def test_each_item_is_read_once_or_rejected() -> None:
    stage = Ingest(source=Listed())
    stage.setup(Store("/nowhere"))
    items = [Item(key=path, source="s", path=path, uri="/a", stamp="") for path in ("good", "bad", "good")]
    made = list(stage(items))
    assert [type(m) for m in made] == [Recording, Reject, Reject]
    assert [(m.reason, m.path) for m in made[1:]] == [("truncated", "bad"), ("duplicate", "good")]


class Channels(Listed):
    """Each channel of each of many members of a tar is a record; the keys end as no one could parse."""

    def read(self, item: Item, store: Store) -> Iterator[Recording]:
        for within in ("1234567c0", "1234567c1", "a-b-c-d", "0" * 12):
            yield Recording(
                key=f"{item.key}-{within}",
                source=item.source,
                path=item.path,
                audio=Audio("/a"),
                seconds=1.0,
                rate=RATE,
                channels=1,
                sha256="",
            )


def test_a_record_carries_the_item_it_was_read_from() -> None:
    stage = Ingest(source=Channels())
    stage.setup(Store("/nowhere"))
    made = list(stage([Item(key="tar-0123456789ab", source="s", path="a.tar", uri="/a", stamp="")]))
    assert {stage.parent(m) for m in made} == {"tar-0123456789ab"} and len(made) == 4
    assert {u.item for u in Segment(segmenter=silero.Segmenter())(made)} == {"tar-0123456789ab"}


class Hum(voices.Voice):
    """A tenth of a second a word; it has no voice for `?`."""

    acts = frozenset({"whisper"})

    def version(self) -> str:
        return "hum-1"

    def setup(self) -> None: ...
    def styles(self) -> list[tuple[str, str]]:
        return [("low", ""), ("high", "thin")]

    def speak(self, text: str, style: Style) -> Synthesized:
        if text == "?":
            raise Unusable("unspeakable", "there is nothing to speak in '?'")
        if text == "break":
            raise ValueError("the library is broken")
        words = text.split()
        sound = np.full(len(words) * RATE // 10, 0.1, np.float32)
        return Synthesized(sound, RATE, tuple(Word(w, n / 10, (n + 1) / 10) for n, w in enumerate(words)))


class TestSynthesize:
    stage = Synthesize(voice=Hum(), seed=1)

    def test_each_turn_gets_audio_and_the_times_of_its_words(self) -> None:
        (made,) = self.stage([Dialogue("d", "s", (Turn("a", "one two"), Turn("b", "three")))])
        assert [(t.seconds, len(t.words)) for t in made.turns] == [(0.2, 2), (0.1, 1)]
        assert all(t.audio.data and t.voice in ("low", "high+thin") for t in made.turns)

    def test_a_voice_that_times_a_word_too_few_is_named_with_the_turn(self) -> None:
        class Short(Hum):
            def speak(self, text: str, style: Style) -> Synthesized:
                made = super().speak(text, style)
                return replace(made, words=made.words[1:])

        with pytest.raises(ValueError, match="gave 1 words for the 2 of a turn of d: 'one two'"):
            list(Synthesize(voice=Short(), seed=1)([Dialogue("d", "s", (Turn("a", "one two"),))]))

    def test_a_speaker_keeps_the_voice_and_an_edit_elsewhere_does_not_change_it(self) -> None:
        turns = [Turn("a", "one"), Turn("b", "two"), Turn("a", "three")]
        (whole,) = self.stage([Dialogue("d", "s", tuple(turns))])
        (edited,) = self.stage([Dialogue("d", "s", (*turns[:2], Turn("a", "four")))])
        assert whole.turns[0].voice == whole.turns[2].voice
        assert whole.turns[:2] == edited.turns[:2]

    def test_a_dialogue_with_a_turn_that_nobody_can_speak_is_rejected_whole(self) -> None:
        (made,) = self.stage([Dialogue("d", "s", (Turn("a", "one"), Turn("b", "?")))])
        assert isinstance(made, Reject) and (made.key, made.reason) == ("d", "unspeakable")

    def test_a_pause_is_silence_before_the_words_and_an_overlap_moves_the_start(self) -> None:
        turns = (Turn("a", "one two"), Turn("b", "three", pause=0.5), Turn("a", "four", overlap=0.05))
        (made,) = self.stage([Dialogue("d", "s", turns)])
        assert [t.seconds for t in made.turns] == pytest.approx([0.2, 0.6, 0.1])
        assert [t.start for t in made.turns] == pytest.approx([0.0, 0.2, 0.75])
        assert [(w.start, w.end) for w in made.turns[1].words] == [(0.5, 0.6)]
        samples, _ = soundfile.read(io.BytesIO(made.turns[1].audio.data))
        assert not samples[: RATE // 2].any() and samples[RATE // 2 :].all()

    def test_what_is_not_spoken_stays_as_it_is(self) -> None:
        silent = (
            Turn("system", "Be kind.", role="system"),
            Turn("b", "", role="assistant", tool_call="{}"),
            Turn("tool", "", role="tool", tool_result="{}"),
        )
        (made,) = self.stage([Dialogue("d", "s", (*silent, Turn("b", "yes", role="assistant")))])
        assert made.turns[:3] == silent and made.turns[3].audio.data

    @pytest.mark.parametrize(
        ("turn", "detail"),
        [
            (Turn("b", "two", style="rap"), "cannot speak in the style 'rap'; it has whisper"),
            (Turn("b", "two", language="de"), "does not speak the language 'de'"),
            (Turn("b", "two", emotion="bored"), "unknown emotion 'bored'"),
            (Turn("b", "two", overlap=0.3), "overlaps the turn before by 0.3 s, which lasts 0.10 s"),
        ],
    )
    def test_what_the_voice_cannot_do_is_rejected_with_the_turn_and_the_reason(self, turn: Turn, detail: str) -> None:
        (made,) = self.stage([Dialogue("d", "s", (Turn("a", "one"), turn))])
        assert isinstance(made, Reject) and (made.key, made.reason) == ("d", "unspeakable")
        assert made.detail.startswith("turn 2: ") and detail in made.detail

    def test_a_style_that_the_voice_has_is_spoken(self) -> None:
        (made,) = self.stage([Dialogue("d", "s", (Turn("a", "one", style="whisper"),))])
        assert made.turns[0].audio.data and made.turns[0].style == "whisper"

    def test_each_turn_is_spoken_in_its_language_or_the_dialogues(self) -> None:
        turns = (Turn("a", "hello"), Turn("a", "hallo", language="de"), Turn("a", "bonjour", language="fr"))
        stage = Synthesize(voice=Espeak(variants=("f2",)), seed=1)
        voices = [
            [t.voice for t in d.turns] for d in stage([Dialogue("d", "s", turns, language=n) for n in ("", "es")])
        ]
        assert [[v.split("/")[1].split("-")[0].split("+")[0] for v in of] for of in voices] == [
            ["en", "de", "fr"],
            ["es", "de", "fr"],
        ]

    def test_a_fault_of_the_voice_is_no_reject(self) -> None:
        with pytest.raises(ValueError, match="the library is broken"):
            list(self.stage([Dialogue("d", "s", (Turn("a", "break"),))]))


class TestCompose:
    @pytest.fixture
    def spelt(self, store: Store, tmp_path: Path) -> Store:
        """A corpus folder that holds a vocabulary."""
        text = bpe.Tokenizer(size=300).train(["and so my fellow americans ask not what"])
        entries = [
            Entry("text", "[Text]"),
            Entry("speech", "[Speech]", modality="speech"),
            Entry("hubert", "[Hu{}]", size=50),
        ]
        (tmp_path / "made").mkdir()
        save(tmp_path / "made", text, unify(text, entries))
        commit_model(store, "vocabulary", tmp_path / "made", {"use": "by hand"})
        return store

    def row(self, key: str, words: int) -> JoinedRow:
        random = Random(key)
        words_in_time = tuple(Word(f"word{n}", n / 2, (n + 1) / 2) for n in range(words))
        seconds = words / 2
        whole = Utterance(
            key=key,
            recording=key,
            source="speech",
            audio=Audio("/a"),
            sha256="ab",
            start=0.0,
            end=seconds,
            text=" ".join(w.text for w in words_in_time),
        )
        ids = tuple(random.randrange(50) for _ in range(round(seconds * 25)))
        units = Codes(
            key=key,
            seconds=seconds,
            tokenizers=("hubert",),
            models=("m",),
            rate=25.0,
            ticks=len(ids),
            which=(0,) * len(ids),
            ids=ids,
            starts=tuple(range(len(ids))),
        )
        alignment = Alignment(key=key, seconds=seconds, aligner="x", words=words_in_time, score=-1.0)
        return JoinedRow(utterance=whole, alignment=alignment, codes={"hubert": units})

    def run(self, store: Store, rows: list[Any], pass_number: int = 0) -> list[Any]:
        task = Words(sources=("speech",), stream="hubert", text_words=(2, 4), speech_words=(2, 4))
        stage = Compose(name="words", task=task, pass_number=pass_number, seed=1)
        stage.setup(store)
        return list(stage(rows))

    def test_samples_do_not_depend_on_the_order_of_their_rows(self, spelt: Store) -> None:
        rows = [self.row(f"u-{n}", 9) for n in range(8)]
        assert self.run(spelt, rows) == self.run(spelt, rows[::-1])

    def test_a_sample_that_is_drawn_again_has_new_spans_and_a_new_key(self, spelt: Store) -> None:
        rows = [self.row(f"u-{n}", 30) for n in range(4)]
        first, again, second = self.run(spelt, rows), self.run(spelt, rows), self.run(spelt, rows, 1)
        assert first == again
        assert not {s.key for s in first} & {s.key for s in second}
        assert {s.parent: s.loss for s in first} != {s.parent: s.loss for s in second}

    def test_an_error_of_a_task_is_no_reject(self, spelt: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*given: object) -> None:
            raise ValueError("a fault of the task's code")

        monkeypatch.setattr(Words, "compose", broken)
        with pytest.raises(ValueError, match="a fault of the task's code"):
            self.run(spelt, [self.row("u-0", 9)])

    def test_text_that_no_tokenizer_can_spell_is_a_reject(self, spelt: Store) -> None:
        row = self.row("u-0", 9)
        assert row.alignment
        odd = replace(row.alignment, words=tuple(replace(w, text="\ud800") for w in row.alignment.words))
        (made,) = self.run(spelt, [replace(row, alignment=odd)])
        assert isinstance(made, Reject) and made.reason == "not_spellable"

    def test_too_few_words_are_rejected_with_the_place_of_the_utterance(self, spelt: Store) -> None:
        made = self.run(spelt, [self.row("u-0", 3), self.row("u-1", 9)])
        rejected = [m for m in made if isinstance(m, Reject)]
        assert [(r.key, r.reason, r.path, r.seconds) for r in rejected] == [("u-0", "too_few_words", "/a", 1.5)]
        assert [m.parent for m in made if isinstance(m, ShardSample)] == ["u-1"]

    def test_a_task_gets_only_what_it_needs(self, spelt: Store) -> None:
        row = replace(self.row("u-0", 4), alignment=None)
        stage = Compose(name="sp", task=Speech(sources=("speech",), stream="hubert"), pass_number=0, seed=1)
        stage.setup(spelt)
        (made,) = stage([row])
        assert made.speech_tokens == 1 + len(row.codes["hubert"].ids) and made.key == "u-0-sp-0"

    def test_a_documents_sample_says_where_it_lies_and_the_datas_own_split(self, spelt: Store) -> None:
        stage = Compose(name="text", task=Text(sources=("web",)), pass_number=0, seed=1, split="validation")
        stage.setup(spelt)
        document = Document(key="d-0", source="web", text="and so", split="validation", path="a.jsonl#7")
        (made,) = stage([document])
        record = json.loads(made.members[512 : 512 + made.json_length])
        assert record["provenance"]["path"] == "a.jsonl#7"
        assert (record["split"], record["provenance"]["split"]) == ("validation", "validation")

    def test_a_sample_has_the_emotion_and_the_level_of_its_utterance(self, spelt: Store) -> None:
        row = self.row("u-0", 9)
        angry = replace(row, utterance=replace(row.utterance, emotion="angry", level=4))
        (plain,), (made,) = self.run(spelt, [row]), self.run(spelt, [angry])
        assert (plain.emotion, plain.level) == ("", 0)
        assert (made.emotion, made.level) == ("angry", 4)
        record = json.loads(made.members[512 : 512 + made.json_length])
        assert (record["emotion"], record["level"]) == ("angry", 4)

    def test_what_is_of_another_split_is_held_out_and_has_other_keys(self, spelt: Store) -> None:
        rows = [self.row(f"u-{n}", 9) for n in range(4)]
        rows[1] = replace(rows[1], utterance=replace(rows[1].utterance, split="validation"))
        rows[2] = replace(rows[2], utterance=replace(rows[2].utterance, split="test"))
        task = Words(sources=("speech",), stream="hubert", text_words=(2, 4), speech_words=(2, 4))
        made: dict[str, list[Any]] = {}
        for split in ("train", "validation", "test"):
            stage = Compose(name="words", task=task, pass_number=0, seed=1, split=split)
            stage.setup(spelt)
            made[split] = list(stage(rows))
        keys = {split: sorted(m.key for m in of if isinstance(m, ShardSample)) for split, of in made.items()}
        assert keys == {
            "train": ["u-0-words-0", "u-3-words-0"],
            "validation": ["u-1-words-0-v"],
            "test": ["u-2-words-0-t"],
        }
        assert {m.split for m in made["validation"] if isinstance(m, ShardSample)} == {"validation"}
        held = sorted((m for m in made["train"] if isinstance(m, HeldOutItem)), key=lambda m: m.key)
        assert held == [HeldOutItem("u-1", 4.5), HeldOutItem("u-2", 4.5)]


class TestDocuments:
    """Text has its split where it is ingested."""

    class Books(sources.Source):
        @property
        def makes(self) -> type:
            return Document

        def items(self, name: str) -> Iterator[Item]:
            return iter(())

        def read(self, item: Item, store: Store) -> Iterator[Document]:
            for n, split in enumerate(item.payload.split(",")):
                yield Document(f"{item.key}-{n:05d}", item.source, f"text {n}", split=split)

    def ingested(self, payload: str, **splits: Any) -> list[Any]:
        stage = Ingest(source=self.Books(), splits=Splits(**splits))
        stage.setup(Store("/nowhere"))
        return list(stage([Item(key="a-0123456789ab", source="s", path="a.txt", uri="", stamp="", payload=payload)]))

    def test_names_are_normal_and_one_that_is_not_known_is_a_reject(self) -> None:
        train, validation, reject, test = self.ingested(",dev,banana,eval")
        assert [d.split for d in (train, validation, test)] == ["train", "validation", "test"]
        assert isinstance(reject, Reject) and (reject.reason, reject.path) == ("unknown_split", "a.txt")

    def test_a_share_of_the_documents_is_held_out_by_their_text(self) -> None:
        rule = {"space": "s", "hold_out": HoldOut(items=0.5)}
        made = self.ingested("," * 30, **rule)
        out = {d.text for d in made if d.split == "validation"}
        assert out == {d.text for d in made if Splits(**rule).selects(d.text)} and 5 < len(out) < 25
