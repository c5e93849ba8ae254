"""One part of one stage: accounted for, done once, and committed so that nothing half made passes for whole."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.pipelines.parts.accounting import Unaccounted
from weft.pipelines.parts.committed import digest_of
from weft.pipelines.parts.joining import InputTable, join
from weft.pipelines.parts.stage_work import Input, PartWork
from weft.pipelines.parts.tables import part_name, read_part, write_part
from weft.pipelines.stage import Stage
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Alignment, Audio, Utterance
from weft.schemas.ledger import HeldOutItem, LedgerRow, Reject, Unusable
from weft.schemas.text import Dialogue, Turn


def utterance(key: str, seconds: float = 2.0) -> Utterance:
    return Utterance(
        key=key, recording=f"rec-{key}", source="speech", audio=Audio("/a.wav"), sha256="", start=0.0, end=seconds
    )


class Copy(Stage):
    """Gives what it got; the tests break it."""

    wrong: str = ""
    setting: int = 0

    @property
    def makes(self) -> type:
        return Utterance

    def __call__(self, records: Iterable[Any]) -> Iterator[Any]:
        for n, record in enumerate(records):
            if n:
                yield record
                continue
            match self.wrong:
                case "":
                    yield record
                case "loses an item":
                    pass
                case "invents an item":
                    yield record
                    yield replace(record, key="nobody")
                case "loses seconds":
                    yield replace(record, end=record.end - 0.25)
                case "makes seconds":
                    yield replace(record, end=record.end + 0.25)
                case "rejects without seconds":
                    yield Reject(
                        key=record.key, stage="copy", source="speech", path="p", reason="bad", detail="", seconds=0.0
                    )
                case "rejects":
                    yield Reject(
                        key=record.key,
                        stage="copy",
                        source="speech",
                        path="p",
                        reason="bad",
                        detail="why",
                        seconds=record.seconds,
                    )
                case "holds out":
                    yield HeldOutItem(record.key, record.seconds)
                case "holds out without seconds":
                    yield HeldOutItem(record.key, 0.0)
                case "gives and holds out":
                    yield record
                    yield HeldOutItem(record.key, record.seconds)
                case "holds out nobody's":
                    yield record
                    yield HeldOutItem("nobody", 0.0)
                case "gives and rejects":
                    yield record
                    yield Reject(
                        key=record.key,
                        stage="copy",
                        source="speech",
                        path="p",
                        reason="bad",
                        detail="why",
                        seconds=record.seconds,
                    )


class Speak(Copy):
    makes_seconds: ClassVar[bool] = True


class Halve(Copy):
    """Each utterance becomes two."""

    def parent(self, record: Any) -> str:
        return record.key.removesuffix("-a").removesuffix("-b")

    def __call__(self, records: Iterable[Any]) -> Iterator[Any]:
        for r in records:
            yield replace(r, key=f"{r.key}-a", end=r.seconds / 2)
            yield replace(r, key=f"{r.key}-b", start=r.seconds / 2)


def work(stage: Stage, *inputs: Input) -> PartWork:
    return PartWork(node="copy/speech", stage=stage, part=0, inputs=inputs or (Input("in/speech", Utterance),))


@pytest.fixture
def ready(store: Store) -> Store:
    """Three utterances, 6 seconds, at in/speech."""
    write_part(store, part_name("in/speech", 0), [utterance(k) for k in "abc"], Utterance, "one")
    return store


def ledger(store: Store) -> LedgerRow:
    return read_part(store, part_name("ledger/copy/speech", 0), LedgerRow)[0]


class TestAccount:
    def test_a_stage_that_keeps_everything(self, ready: Store) -> None:
        stage = Copy()
        assert work(stage).run(ready) == 3
        assert ledger(ready) == LedgerRow(
            node="copy/speech", part=0, items_in=3, items_made=0, items_out=3, items_rejected=0, items_held=0, items_absent=0,
            seconds_in=6.0, seconds_made=0.0, seconds_out=6.0, seconds_rejected=0.0, seconds_held=0.0, seconds_absent=0.0,
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ("loses an item", "copy/speech part 0: 1 item vanished, the first is a"),
            ("invents an item", "copy/speech part 0: no input has 1 item such as nobody"),
            ("loses seconds", "copy/speech part 0: 0.250000 s vanished"),
            ("makes seconds", "copy/speech part 0: 0.250000 s appeared"),
            ("rejects without seconds", "copy/speech part 0: 2.000000 s vanished"),
            ("gives and rejects", "copy/speech part 0: 2.000000 s appeared"),
            ("holds out without seconds", "copy/speech part 0: 2.000000 s vanished"),
            ("gives and holds out", "copy/speech part 0: 2.000000 s appeared"),
            ("holds out nobody's", "copy/speech part 0: no input has 1 item such as nobody"),
        ],
    )
    def test_a_stage_that_loses_or_invents_is_stopped_and_nothing_is_committed(
        self, ready: Store, wrong: str, message: str
    ) -> None:
        stage = Copy(wrong=wrong)
        with pytest.raises(Unaccounted, match=message):
            work(stage).run(ready)
        assert ready.names("copy") == ready.names("ledger") == ready.names("rejects") == []

    def test_rejects_are_counted_and_kept_with_their_reason(self, ready: Store) -> None:
        stage = Copy(wrong="rejects")
        assert work(stage).run(ready) == 2
        rejects = read_part(ready, part_name("rejects/copy/speech", 0), Reject)
        row = ledger(ready)
        assert [(r.key, r.reason, r.detail) for r in rejects] == [("a", "bad", "why")]
        assert (row.items_in, row.items_out, row.items_rejected) == (3, 2, len(rejects))
        assert (row.seconds_out, row.seconds_rejected) == (4.0, sum(r.seconds for r in rejects))

    def test_what_is_of_another_split_is_counted_and_neither_made_nor_rejected(self, ready: Store) -> None:
        stage = Copy(wrong="holds out")
        assert work(stage).run(ready) == 2
        row = ledger(ready)
        assert (row.items_in, row.items_out, row.items_rejected, row.items_held) == (3, 2, 0, 1)
        assert (row.seconds_in, row.seconds_out, row.seconds_rejected, row.seconds_held) == (6.0, 4.0, 0.0, 2.0)
        assert [u.key for u in read_part(ready, part_name("copy/speech", 0), Utterance)] == ["b", "c"]

    def test_pieces_are_made_and_seconds_are_not(self, ready: Store) -> None:
        stage = Halve()
        assert work(stage).run(ready) == 6
        row = ledger(ready)
        assert (row.items_in, row.items_made, row.items_out, row.seconds_made) == (3, 3, 6, 0.0)

    def test_a_stage_that_makes_seconds_says_how_many(self, ready: Store) -> None:
        stage = Speak(wrong="makes seconds")
        work(stage).run(ready)
        assert (ledger(ready).seconds_in, ledger(ready).seconds_made, ledger(ready).seconds_out) == (6.0, 0.25, 6.25)


def table(name: str, record: type, records: list[Any]) -> InputTable:
    return InputTable(name=name, record=record, records=records)


class TestJoin:
    def test_one_input_passes_through(self) -> None:
        assert join([table("speech", Utterance, [utterance("a")])]) == ([utterance("a")], [])

    def test_rows_meet_by_key_in_the_order_of_the_first(self) -> None:
        first = [utterance(k) for k in "abcd"]
        second = [Alignment(key=k, seconds=2.0, aligner="x", words=(), score=0.0) for k in "dba"]
        rows, absent = join([table("speech", Utterance, first), table("align", Alignment, second)])
        assert [(row.utterance.key, row.alignment.key) for row in rows] == [("a", "a"), ("b", "b"), ("d", "d")]
        assert [u.key for u in absent] == ["c"]

    @given(keys=st.lists(st.sets(st.sampled_from("abcdef")), min_size=2, max_size=4))
    def test_every_item_of_the_first_is_joined_or_absent(self, keys: list[set[str]]) -> None:
        tables = [table(f"n{n}", Utterance, [utterance(k) for k in sorted(of)]) for n, of in enumerate(keys)]
        rows, absent = join(tables)
        joined = {row.utterance.key for row in rows}
        assert joined == set.intersection(*keys)
        assert joined | {r.key for r in absent} == keys[0]
        assert len(rows) + len(absent) == len(keys[0])

    def test_items_that_cannot_be_joined_are_absent_in_the_ledger(self, ready: Store) -> None:
        write_part(
            ready,
            part_name("align/speech", 0),
            [Alignment(key="b", seconds=2.0, aligner="x", words=(), score=0.0)],
            Alignment,
            "one",
        )

        class First(Copy):
            def __call__(self, records: Iterable[Any]) -> Iterator[Any]:
                yield from (row.utterance for row in records)

        stage = First()
        work(stage, Input("in/speech", Utterance), Input("align/speech", Alignment)).run(ready)
        row = ledger(ready)
        assert (row.items_in, row.items_absent, row.items_out) == (1, 2, 1)
        assert (row.seconds_in, row.seconds_absent) == (2.0, 4.0)


class TestDone:
    def test_a_part_is_done_once_it_ran(self, ready: Store) -> None:
        stage = Copy()
        assert not work(stage).done(ready)
        work(stage).run(ready)
        assert work(stage).done(ready)

    def test_a_changed_setting_is_not_done(self, ready: Store) -> None:
        work(Copy()).run(ready)
        assert not work(Copy(setting=1)).done(ready)

    def test_another_version_of_the_backend_is_not_done(self, ready: Store) -> None:
        class Newer(Copy):
            def version(self) -> str:
                return "2"

        Newer.__name__ = "Copy"
        work(Copy()).run(ready)
        assert not work(Newer()).done(ready)

    def test_changed_input_is_not_done(self, ready: Store) -> None:
        work(Copy()).run(ready)
        write_part(ready, part_name("in/speech", 0), [utterance(k) for k in "abd"], Utterance, "one")
        assert not work(Copy()).done(ready)

    def test_input_made_again_with_equal_content_is_done_still(self, ready: Store) -> None:
        work(Copy()).run(ready)
        write_part(ready, part_name("in/speech", 0), [utterance(k) for k in "abc"], Utterance, "another way")
        assert work(Copy()).done(ready)

    def test_models_are_inputs(self, ready: Store) -> None:
        job = replace(work(Copy()), models=("models/m",))
        ready.write("models/m/model.json", b"{}")
        job.run(ready)
        assert job.done(ready)
        ready.write("models/m/model.json", b"{ }")
        assert not job.done(ready)

    @pytest.mark.parametrize("companion", ["rejects/copy/speech", "ledger/copy/speech"])
    @pytest.mark.parametrize("harm", ["missing", "cut"])
    def test_a_part_whose_rejects_or_ledger_is_missing_or_cut_is_not_done(
        self, ready: Store, companion: str, harm: str
    ) -> None:
        work(Copy()).run(ready)
        name = part_name(companion, 0)
        whole = ready.read(name)
        ready.remove(name)
        if harm == "cut":
            ready.write(name, whole[:-100])
        assert not work(Copy()).done(ready)
        work(Copy()).run(ready)
        assert work(Copy()).done(ready) and ready.read(name) == whole

    def test_input_that_is_not_there_is_named(self, ready: Store) -> None:
        with pytest.raises(FileNotFoundError, match="gone/speech"):
            digest_of(ready, part_name("gone/speech", 0))

    @pytest.mark.parametrize("last", ["rejects/", "ledger/", "copy/"])
    def test_a_worker_killed_at_any_write_leaves_a_part_that_is_not_done(
        self, ready: Store, last: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        writing = Store.writing

        @contextmanager
        def killed(store: Store, name: str) -> Iterator[BinaryIO]:
            with writing(store, name) as file:
                yield file
                if name.startswith(last):
                    raise KeyboardInterrupt

        monkeypatch.setattr(Store, "writing", killed)
        with pytest.raises(KeyboardInterrupt):
            work(Copy()).run(ready)
        assert not work(Copy()).done(ready)
        monkeypatch.undo()
        work(Copy()).run(ready)
        assert work(Copy()).done(ready)


class Voice(Stage):
    """Gives every turn `level` bytes of sound."""

    makes_seconds: ClassVar[bool] = True
    sound: bytes = b"RIFF"

    @property
    def makes(self) -> type:
        return Dialogue

    def __call__(self, records: Iterable[Any]) -> Iterator[Any]:
        for d in records:
            turns = [replace(t, audio=Audio("", data=self.sound + t.text.encode()), seconds=1.0) for t in d.turns]
            yield replace(d, turns=tuple(turns))


DIALOGUES = [Dialogue(k, "d", (Turn("x", f"one {k}"), Turn("y", f"two {k}"))) for k in "ab"]


class TestPack:
    def job(self, stage: Stage) -> PartWork:
        return PartWork(node="synthesize/d", stage=stage, part=0, inputs=(Input("ingest/d", Dialogue),))

    def test_sound_is_committed_and_counts_as_content(self, store: Store) -> None:
        write_part(store, part_name("ingest/d", 0), DIALOGUES, Dialogue, "one")
        digests = set()
        for sound in (b"RIFF", b"FORM"):  # of one length, so that the rows are the same
            stage = Voice(sound=sound)
            self.job(stage).run(store)
            made = read_part(store, part_name("synthesize/d", 0), Dialogue)
            assert store.read("synthesize/d/part-00000.bin") == b"".join(
                sound + t.text.encode() for d in made for t in d.turns
            )
            digests.add(digest_of(store, part_name("synthesize/d", 0)))
        assert len(digests) == 2

    def test_a_part_whose_sound_is_missing_or_cut_is_not_done(self, store: Store) -> None:
        write_part(store, part_name("ingest/d", 0), DIALOGUES, Dialogue, "one")
        stage = Voice()
        self.job(stage).run(store)
        assert self.job(stage).done(store)
        store.write("synthesize/d/part-00000.bin", store.read("synthesize/d/part-00000.bin")[:-1])
        assert not self.job(stage).done(store)
        store.remove("synthesize/d/part-00000.bin")
        assert not self.job(stage).done(store)

    def test_a_worker_killed_after_the_sound_leaves_no_part_that_vouches_for_it(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The recipe may go back to what it was: the old part must not speak for the new sound."""
        write_part(store, part_name("ingest/d", 0), DIALOGUES, Dialogue, "one")
        old, new = Voice(sound=b"RIFF"), Voice(sound=b"FORM")
        self.job(old).run(store)

        def killed(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("weft.pipelines.parts.stage_work.write_part", killed)
        with pytest.raises(KeyboardInterrupt):
            self.job(new).run(store)
        assert not self.job(old).done(store)


def test_a_reason_and_a_detail_go_with_what_is_unusable() -> None:
    fault = Unusable("truncated", "ends after 3 s")
    assert (fault.reason, fault.detail) == ("truncated", "ends after 3 s")
