"""Models: committed whole, and done only while what they were made from is the same."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from pydantic import PrivateAttr

from weft.pipelines.aligners.base import Aligner, Clip
from weft.pipelines.audio.sound import flac
from weft.pipelines.models.model_work import AlignerWork, CopyWork, TokenizerWork
from weft.pipelines.models.progress import Pace, pace_of
from weft.pipelines.models.vocabulary_work import VocabularyWork
from weft.pipelines.parts.tables import part_name, write_part
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Utterance, Word
from weft.schemas.changes import reasons
from weft.schemas.faults import RecipeError
from weft.schemas.fingerprint import digest
from weft.schemas.learning import report_step
from weft.schemas.ledger import Reject, UnreadItems
from weft.schemas.recipe_sections import TokenEntry, VocabularySettings
from weft.schemas.text import Document
from weft.schemas.vocabulary import Entry, Vocabulary
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.bpe import Tokenizer as Bpe
from weft.tokenizers.models.card import write_card
from weft.tokenizers.models.folder import Checkpoint
from weft.tokenizers.models.learned import read_config, write_config
from weft.tokenizers.pretrained import Tokenizer as Pretrained
from weft.tokenizers.stream import Speech


class Lengths(SpeechTokenizer):
    """Its model is the lengths of the clips it is trained on."""

    rate: float = 25.0
    size: int = 10
    literal: str = "[L{}]"
    wants: float = 0.9

    @property
    def training_seconds(self) -> float:
        return self.wants

    given: Checkpoint = ""

    def train(self, speech: Sequence[Speech], folder: Path, seed: int) -> None:
        (folder / "lengths").write_text(" ".join(str(len(one.samples)) for one in speech))

    def load(self, folder: Path) -> None: ...

    def frames(self, n_samples: int) -> int:
        return n_samples // 640

    def version(self) -> str:
        return "1"

    def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray]:
        return (np.zeros(self.frames(len(one.samples)), np.int32) for one in speech)


class Speakers(Lengths):
    """Its model is the speakers' means."""

    _means: str = PrivateAttr("")

    def load(self, folder: Path) -> None:
        self._means = str(read_config(folder)["learned"])

    @property
    def checksum(self) -> str:
        return digest(self._means)


class Readings(Lengths):
    """Its model is the texts of the training set, and labels that it should not get."""

    learns_from: ClassVar[tuple[str, ...]] = ("text",)

    def train(self, speech: Sequence[Speech], folder: Path, seed: int) -> None:
        (folder / "texts").write_text(" ".join(sorted(f"{one.text}{one.speaker}{one.emotion}" for one in speech)))


def utterances(store: Store, count: int) -> list[Utterance]:
    made = []
    for n in range(count):
        samples = np.full(4000 + n, 0.5, np.float32)
        store.write(f"raw/{n}.flac", flac(samples, 16000))
        made.append(
            Utterance(
                key=f"u{n}",
                recording="r",
                source="s",
                audio=Audio(f"raw/{n}.flac"),
                sha256=f"sha{n}",
                start=0.0,
                end=len(samples) / 16000,
            )
        )
    return made


@pytest.fixture
def ready(store: Store) -> Store:
    given = utterances(store, 8)
    write_part(store, part_name("segment/s", 0), given[:5], Utterance, "one")
    write_part(store, part_name("segment/s", 1), given[5:], Utterance, "one")
    return store


NEEDS = (part_name("segment/s", 0), part_name("segment/s", 1))


class TestTokenizer:
    work = TokenizerWork("lengths", Lengths(), NEEDS, seed=3)

    def test_it_hears_as_much_as_it_wants_and_never_a_clip_twice(self, ready: Store) -> None:
        assert self.work.run(ready) == 4  # of a quarter of a second each
        heard = ready.read("models/lengths/lengths").decode().split()
        assert len(set(heard)) == 4

    def test_while_it_learns_the_corpus_says_how_far_it_is(self, ready: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        found: list[Pace | None] = []

        def train(self: Lengths, speech: Sequence[Speech], folder: Path, seed: int) -> None:
            report_step("training", 1, 5)
            found.append(pace_of(ready, "models/lengths"))
            (folder / "lengths").write_text("")

        monkeypatch.setattr(Lengths, "train", train)
        self.work.run(ready)
        assert found == [Pace(phase="training", done=1, of=5, steps=0, seconds=0.0)]
        assert not ready.names("unfinished")
        assert "progress.json" not in ready.read("models/lengths/model.json").decode()

    @pytest.mark.parametrize("split", ["validation", "test"])
    def test_it_hears_nothing_that_is_held_out(self, ready: Store, split: str) -> None:
        given = utterances(ready, 8)
        held = [replace(u, split=split) for u in given[:6]]
        write_part(ready, part_name("segment/s", 0), held, Utterance, "two")
        write_part(ready, part_name("segment/s", 1), given[6:], Utterance, "two")
        assert self.work.run(ready) == 2
        assert sorted(ready.read("models/lengths/lengths").decode().split()) == ["4006", "4007"]

    def test_how_utterances_are_cut_into_parts_does_not_matter(self, ready: Store) -> None:
        self.work.run(ready)
        heard = ready.read("models/lengths/lengths")
        given = utterances(ready, 8)
        write_part(ready, part_name("segment/s", 0), given[6:] + given[:3], Utterance, "two")
        write_part(ready, part_name("segment/s", 1), given[3:6], Utterance, "two")
        assert self.work.done(ready)
        self.work.run(ready)
        assert ready.read("models/lengths/lengths") == heard

    def test_done_until_something_in_its_training_set_changes(self, ready: Store) -> None:
        assert not self.work.done(ready)
        self.work.run(ready)
        assert self.work.done(ready)
        assert not replace(self.work, seed=4).done(ready)
        assert not replace(self.work, tokenizer=Lengths(size=11)).done(ready)
        given = [replace(u, sha256="edited") for u in utterances(ready, 8)]
        write_part(ready, NEEDS[0], given[:5], Utterance, "one")
        write_part(ready, NEEDS[1], given[5:], Utterance, "one")
        assert not self.work.done(ready)

    def test_done_until_its_version_or_a_checkpoint_changes(
        self, ready: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given = tmp_path / "codebook"
        given.write_text("1")
        work = replace(self.work, tokenizer=Lengths(given=str(given)))
        work.run(ready)
        assert work.done(ready) and not self.work.done(ready)
        with monkeypatch.context() as patched:
            patched.setattr(Lengths, "version", lambda self: "2")
            assert not work.done(ready)
        (tmp_path / "elsewhere").mkdir()
        moved = given.rename(tmp_path / "elsewhere" / "km")
        assert replace(work, tokenizer=Lengths(given=str(moved))).done(ready)
        given.write_text("2")
        assert not work.done(ready)

    def test_a_tokenizer_that_needs_no_training_hears_nothing(self, ready: Store) -> None:
        work = replace(self.work, tokenizer=Lengths(wants=0.0))
        assert work.run(ready) == 0
        assert ready.read("models/lengths/lengths") == b""

    def test_one_that_learns_from_texts_hears_what_has_one_and_is_stale_when_it_changes(self, ready: Store) -> None:
        work = replace(self.work, tokenizer=Readings())
        given = [replace(u, text=f"t{n}" if n % 2 else "", speaker="s") for n, u in enumerate(utterances(ready, 8))]
        write_part(ready, NEEDS[0], given[:5], Utterance, "one")
        write_part(ready, NEEDS[1], given[5:], Utterance, "one")
        work.run(ready)
        assert ready.read("models/lengths/texts") == b"t1 t3 t5 t7"
        write_part(ready, NEEDS[0], [replace(u, speaker="other") for u in given[:5]], Utterance, "one")
        assert work.done(ready) and not self.work.done(ready)
        write_part(ready, NEEDS[0], [replace(u, text=f"{u.text}!") for u in given[:5]], Utterance, "one")
        assert not work.done(ready)

    def test_broken_off_it_goes_on_with_what_it_had(self, ready: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        def half(self: Lengths, speech: Sequence[Speech], folder: Path, seed: int) -> None:
            (folder / "half").touch()
            raise KeyboardInterrupt

        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(Lengths, "train", half)
            self.work.run(ready)
        found: list[bool] = []
        monkeypatch.setattr(
            Lengths, "train", lambda self, speech, folder, seed: found.append((folder / "half").exists())
        )
        replace(self.work, seed=4).run(ready)
        assert found == [False]  # another model's
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(Lengths, "train", half)
            self.work.run(ready)
        self.work.run(ready)
        assert found == [False, True]
        assert not ready.names("unfinished")

    def test_killed_while_its_files_go_in_it_vouches_for_nothing(
        self, ready: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The recipe may go back to what it was: the old fingerprint must not speak for a half-new folder."""
        self.work.run(ready)

        def killed(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(ready, "put_folder", killed)
        with pytest.raises(KeyboardInterrupt):
            replace(self.work, seed=4).run(ready)
        assert not self.work.done(ready)


class TestCopy:
    @pytest.fixture
    def trained(self, tmp_path: Path) -> Path:
        folder = tmp_path / "trained"
        folder.mkdir()
        write_config(folder, Lengths().model_dump(mode="json"), {"speakers": {"s0/a": 244.8}, "spread": 20.0})
        (folder / "model.safetensors").write_bytes(b"weights")
        write_card(folder, Lengths(), [])
        return folder

    def test_a_copy_has_no_means_of_speakers_of_another_corpus(self, store: Store, trained: Path) -> None:
        work = CopyWork("pitch", Lengths(), str(trained))
        work.run(store)
        assert json.loads(store.read("models/pitch/config.json"))["learned"] == {"speakers": {}, "spread": 20.0}
        assert store.read("models/pitch/model.safetensors") == b"weights" and work.done(store)
        assert "244.8" in (trained / "config.json").read_text()

    def test_the_copy_is_kept_when_the_original_is_gone(self, store: Store, trained: Path, tmp_path: Path) -> None:
        work = CopyWork("pitch", Lengths(), str(trained))
        work.run(store)
        trained.rename(tmp_path / "elsewhere")
        assert work.done(store)
        gone = CopyWork("style", Lengths(), str(trained))
        assert not gone.done(store)
        store.remove("models/pitch/fingerprint")  # as where files were going in
        assert not work.done(store)

    def test_a_copy_can_be_copied(self, store: Store, trained: Path) -> None:
        speakers = Speakers()
        speakers.load(trained)
        write_card(trained, speakers, [])
        CopyWork("pitch", Speakers(), str(trained)).run(store)
        CopyWork("again", Speakers(), str(store.folder("models/pitch"))).run(store)
        assert store.read("models/again/config.json") == store.read("models/pitch/config.json")

    def test_a_model_that_its_card_does_not_describe(
        self, store: Store, trained: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Lengths, "checksum", "others")
        work = CopyWork("pitch", Lengths(), str(trained))
        with pytest.raises(
            RecipeError, match=f"^models/pitch: {trained}: its model is not the one that card.json describes"
        ):
            work.run(store)
        assert not work.done(store) and not store.exists("models/pitch/model.safetensors")


TOKENS = (TokenEntry(marker="text", literal="[T]"), TokenEntry(marker="speech", literal="[S]", modality="speech"))


class TestVocabulary:
    work = VocabularyWork(
        text=Bpe(size=300),
        layout=VocabularySettings(tokens=TOKENS),
        codes=(Entry("hubert", "[Hu{}]", size=20),),
        parts=(part_name("ingest/books", 0),),
    )

    @pytest.fixture
    def books(self, store: Store) -> Store:
        texts = [Document(f"d{n}", "books", f"the book of the number {n}", split="train") for n in range(9)]
        write_part(store, part_name("ingest/books", 0), texts, Document, "one")
        return store

    def test_text_markers_and_codes_follow_one_another(self, books: Store) -> None:
        size = self.work.run(books)
        made = Vocabulary.from_json(books.read("vocabulary/vocabulary.json").decode())
        assert made.size == size and size % 64 == 0
        assert [m.id for m in made.markers] == [made.text_size, made.text_size + 1]
        assert made.codebook("hubert").first == made.text_size + 2

    def test_done_until_its_texts_or_its_layout_change(self, books: Store) -> None:
        assert not self.work.done(books)
        self.work.run(books)
        assert self.work.done(books)
        with pytest.raises(RecipeError, match=r"^vocabulary: "):
            replace(self.work, layout=self.work.layout.model_copy(update={"pad_to": 10})).run(books)
        for change in (
            {"tokens": TOKENS[::-1]},
            {"multiple": 128},
            {"bos": False},
            {"tokens": (*TOKENS, TokenEntry(marker="pad", literal="[P]"))},
            {"tokens": (*TOKENS, TokenEntry(codes="hubert", at=400))},
        ):
            assert not replace(self.work, layout=self.work.layout.model_copy(update=change)).done(books)
        assert not replace(self.work, text=Bpe(size=301)).done(books)
        write_part(books, part_name("ingest/books", 0), [Document("d", "books", "new", split="train")], Document, "one")
        assert not self.work.done(books)

    def test_without_any_text_to_learn_from_it_fails_and_names_its_sources(self, books: Store) -> None:
        held = [Document("d", "books", "all of it is held out", split="validation")]
        write_part(books, part_name("ingest/books", 0), held, Document, "two")
        with pytest.raises(RecipeError, match=r"^vocabulary: nothing to learn from: no text for training in books;"):
            self.work.run(books)
        assert not self.work.done(books)
        assert replace(self.work, writes_text=False).run(books) > 256  # units alone need no text

    def test_where_all_texts_were_rejected_it_says_why_and_what_shows_them(self, books: Store) -> None:
        rejects = [
            Reject(key="d", stage="ingest", source="books", path="a.txt", reason=reason, detail="", seconds=0.0)
            for reason in ("bad_line", "no_text", "bad_line")
        ]
        write_part(books, "rejects/ingest/books/part-00000.parquet", rejects, Reject, "two")
        with pytest.raises(RecipeError, match="no text for training in books;"):  # some texts were not
            write_part(
                books, part_name("ingest/books", 0), [Document("d", "books", "a", split="test")], Document, "two"
            )
            self.work.run(books)
        write_part(books, part_name("ingest/books", 0), [], Document, "three")
        wanted = (
            r"nothing to learn from: all of books was rejected \(2 bad_line, 1 no_text\); `weft rejects .*corpus` shows"
        )
        with pytest.raises(RecipeError, match=wanted):
            self.work.run(books)

    @pytest.mark.parametrize("split", ["validation", "test"])
    def test_it_learns_nothing_from_what_is_held_out(self, books: Store, split: str) -> None:
        self.work.run(books)
        learned = books.read("vocabulary/tokenizer.json")
        held = Document("d9", "books", "zyzzyva zyzzyva zyzzyva", split=split)
        texts = [Document(f"d{n}", "books", f"the book of the number {n}", split="train") for n in range(9)]
        write_part(books, part_name("ingest/books", 0), [held, *texts], Document, "two")
        self.work.run(books)
        assert books.read("vocabulary/tokenizer.json") == learned

    def test_frozen_it_keeps_its_text_tokenizer(self, books: Store) -> None:
        frozen = replace(self.work, frozen=True)
        frozen.run(books)
        write_part(books, part_name("ingest/books", 0), [Document("d", "books", "new")], Document, "one")
        assert frozen.done(books) and not self.work.done(books)
        assert frozen.note(books) == "vocabulary: frozen (1 of its 1 part of text changed since it was trained)"
        assert not replace(frozen, text=Bpe(size=301)).done(books)

    def test_another_tokenizer_in_the_folder_or_another_library_makes_it_stale(
        self, books: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        texts = ["a book of numbers", "the number of the book"]
        Bpe(size=280).train(texts).save_pretrained(tmp_path / "model")
        (tmp_path / "model" / "model.safetensors").write_bytes(b"weights")
        work = replace(self.work, text=Pretrained(model=str(tmp_path / "model")), parts=())
        work.run(books)
        assert work.done(books)
        (tmp_path / "model" / "model.safetensors").write_bytes(b"others")  # weights spell nothing
        assert work.done(books)
        with monkeypatch.context() as patched:
            patched.setattr("weft.tokenizers.text.version_of", lambda package: "99")
            assert not work.done(books)
        Bpe(size=270).train(texts).save_pretrained(tmp_path / "model")
        assert not work.done(books)
        (tmp_path / "model").rename(tmp_path / "moved")
        Bpe(size=280).train(texts).save_pretrained(tmp_path / "moved")
        assert replace(work, text=Pretrained(model=str(tmp_path / "moved"))).done(books)


class Counting(Aligner):
    """Its model is what it heard said, and by whom."""

    wants: float = 10.0

    @property
    def training_seconds(self) -> float:
        return self.wants

    @property
    def spoken_language(self) -> str:
        return "en"

    def version(self) -> str:
        return "1"

    def train(self, clips: Sequence[Clip], folder: Path, seed: int) -> None:
        (folder / "heard").write_text(" ".join(sorted(f"{c.speaker}:{'-'.join(c.spoken)}" for c in clips)))


class TestAligner:
    work = AlignerWork(Counting(), NEEDS, seed=3)

    @pytest.fixture
    def spoken(self, store: Store) -> Store:
        given = utterances(store, 4)
        timed = (Word("ha", 0.0, 0.1),)
        given[0] = replace(given[0], text="One, two", speaker="s1")
        given[1] = replace(given[1], text="three", words=timed)
        given[2] = replace(given[2], text="vier", language="de")
        write_part(store, NEEDS[0], given, Utterance, "one")
        write_part(store, NEEDS[1], [], Utterance, "one")
        return store

    def test_it_hears_what_has_words_no_times_and_its_language(self, spoken: Store) -> None:
        assert self.work.run(spoken) == 1
        assert spoken.read("aligner/heard") == b"s/s1:one-two"
        assert self.work.done(spoken)

    def test_it_hears_nothing_that_is_held_out(self, spoken: Store) -> None:
        given = [replace(u, text="One, two", speaker=u.key) for u in utterances(spoken, 3)]
        given[1:] = [replace(given[1], split="validation"), replace(given[2], split="test")]
        write_part(spoken, NEEDS[0], given, Utterance, "two")
        assert self.work.run(spoken) == 1
        assert spoken.read("aligner/heard") == b"s/u0:one-two"

    def test_another_transcript_makes_it_stale_and_another_clip_does_not(self, spoken: Store) -> None:
        self.work.run(spoken)
        given = utterances(spoken, 4)
        given[0] = replace(given[0], text="One, two", speaker="s1")
        given[2] = replace(given[2], text="vier", language="de")
        write_part(spoken, NEEDS[0], given, Utterance, "two")
        assert self.work.done(spoken)
        given[0] = replace(given[0], text="One, three", speaker="s1")
        write_part(spoken, NEEDS[0], given, Utterance, "three")
        assert not self.work.done(spoken)

    def test_frozen_it_stands_whatever_became_of_what_it_learnt_from(self, spoken: Store) -> None:
        frozen = replace(self.work, frozen=True)
        assert not frozen.done(spoken)  # there is none yet
        frozen.run(spoken)
        assert frozen.note(spoken) == "aligner: frozen"
        given = utterances(spoken, 4)
        given[0] = replace(given[0], text="One, three", speaker="s1")
        write_part(spoken, NEEDS[0], given, Utterance, "two")
        assert frozen.done(spoken) and not self.work.done(spoken)
        assert frozen.note(spoken) == (
            "aligner: frozen (1 of its 2 training utterances changed, "
            "1 of its 2 training utterances is gone since it was trained)"
        )
        assert not replace(frozen, seed=4).done(spoken)
        assert not replace(frozen, aligner=Counting(wants=9.0)).done(spoken)
        spoken.remove("aligner/model.json")
        assert not frozen.done(spoken)

    def test_it_says_what_it_was_made_from(self, spoken: Store) -> None:
        assert self.work.recorded(spoken) is None
        self.work.run(spoken)
        old = self.work.recorded(spoken)
        assert old == self.work.made_from(spoken)
        given = utterances(spoken, 4)
        given[0] = replace(given[0], text="One, three", speaker="s1")
        given[2] = replace(given[2], text="vier", language="de")
        write_part(spoken, NEEDS[0], given, Utterance, "two")
        assert reasons(old, self.work.made_from(spoken)) == ["1 of its 2 training utterances changed"]
        spoken.write("aligner/fingerprint", b"9f3c")  # as weft wrote it before
        assert self.work.recorded(spoken) == {} and not self.work.done(spoken)

    def test_what_broke_since_it_was_ingested_teaches_nothing(self, spoken: Store) -> None:
        given = utterances(spoken, 4)
        given[0] = replace(given[0], text="One, two", speaker="s1")
        given[3] = replace(given[3], text="three", audio=Audio("", data=b"no audio"))
        write_part(spoken, NEEDS[0], given, Utterance, "two")
        assert self.work.run(spoken) == 1
        assert spoken.read("aligner/heard") == b"s/s1:one-two"

    def test_no_model_learns_from_less_because_a_clip_is_away(self, spoken: Store) -> None:
        given = utterances(spoken, 4)
        given[3] = replace(given[3], text="three", audio=Audio("gone.flac"))
        write_part(spoken, NEEDS[0], given, Utterance, "two")
        with pytest.raises(UnreadItems) as fault:
            self.work.run(spoken)
        assert [item.path for item in fault.value.items] == ["gone.flac"]
        assert not self.work.done(spoken)
