"""Recordings become utterances, and every second is kept or rejected."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.pipelines import segment
from weft.pipelines.ingest import Ingest
from weft.pipelines.parts.accounting import account
from weft.pipelines.parts.splits import Splits
from weft.pipelines.parts.stage_work import Input, PartWork
from weft.pipelines.segment import Segment
from weft.pipelines.segmenters import base
from weft.pipelines.segmenters.base import SpeakerSpan, union
from weft.pipelines.sources import folder
from weft.pipelines.storage.store import Store
from weft.pipelines.turns import Turns
from weft.schemas.audio import Audio, Recording, Supervision, Utterance, Word
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.splits import HoldOut
from weft.schemas.text import Dialogue, Turn

Spans = tuple[tuple[float, float] | tuple[float, float, str, float], ...]


class GivenSpans(base.Segmenter):
    """Gives the spans that it was made with."""

    spans: Spans = ()

    def version(self) -> str:
        return "1"

    def speech(self, blocks: Iterable[np.ndarray]) -> list[SpeakerSpan]:
        return [
            SpeakerSpan(start=start, end=end, **dict(zip(("speaker", "overlap"), more, strict=False)))
            for start, end, *more in self.spans
        ]


def recording(seconds: float, text: str | None = None, **more: object) -> Recording:
    return Recording(
        key="rec-1",
        source="speech",
        path="a.wav",
        audio=Audio("/a.wav"),
        seconds=seconds,
        rate=16000,
        channels=1,
        sha256="ab",
        text=text,
        speaker="s",
        language="en",
        licence="CC0",
        emotion="sad",
        **more,
    )


@pytest.fixture(autouse=True)
def _no_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object) -> Iterator[np.ndarray]:
        return iter(())

    monkeypatch.setattr(segment, "blocks", nothing)


def segmented(
    seconds: float, spans: tuple[tuple[float, float], ...] = (), text: str | None = None, **more: object
) -> list[Utterance | Reject]:
    stage = Segment(segmenter=GivenSpans(spans=spans))
    stage.setup(Store("memory://nowhere"))
    found = recording(seconds, text, **more)
    out = list(stage([found]))
    made = [r for r in out if isinstance(r, Utterance)]
    job = PartWork(node="segment/speech", stage=stage, part=0, inputs=(Input("ingest/speech", Recording),))
    account(job, stage, [found], [], made, [r for r in out if isinstance(r, Reject)])
    return out


@given(steps=st.lists(st.tuples(st.floats(0.0, 5), st.floats(0.05, 80)), max_size=12), tail=st.floats(0.0, 40))
def test_seconds_are_conserved_whatever_the_spans_are(steps: list[tuple[float, float]], tail: float) -> None:
    spans, now = [], 0.0
    for silence, speech in steps:
        spans.append((now + silence, now + silence + speech))
        now += silence + speech
    seconds = max(now + tail, 30.001)
    out = segmented(seconds, tuple(spans))
    assert sum(r.seconds for r in out) == pytest.approx(seconds, abs=1e-6)
    utterances = [r for r in out if isinstance(r, Utterance)]
    assert all(0.3 <= u.seconds <= 30.0 + 1e-9 and 0 <= u.start < u.end <= seconds for u in utterances)
    assert all(one.end <= two.start + 1e-9 for one, two in pairwise(utterances))
    assert [u.key for u in utterances] == [f"rec-1-{n:04d}" for n in range(len(utterances))]
    assert all(r.seconds > -1e-6 for r in out)


def test_short_recordings_stay_whole_with_all_that_is_known() -> None:
    (whole,) = segmented(29.9, text="and then")
    assert isinstance(whole, Utterance)
    assert (whole.start, whole.end, whole.text, whole.recording) == (0.0, 29.9, "and then", "rec-1")
    assert (whole.speaker, whole.language, whole.licence, whole.emotion) == ("s", "en", "CC0", "sad")
    assert whole.sha256 == "ab"


def test_one_transcript_for_a_long_recording_cannot_be_cut() -> None:
    (reject,) = segmented(31.0, ((0.0, 31.0),), text="far too long")
    assert isinstance(reject, Reject)
    assert (reject.reason, reject.seconds) == ("long_transcript", 31.0)


STRETCHES = st.lists(
    st.tuples(st.floats(-1, 90), st.floats(-1, 50), st.sampled_from(["", "said"]), st.sampled_from("AB")), max_size=10
)


@given(STRETCHES.filter(bool), st.floats(20, 90))
def test_given_stretches_are_conserved_overlap_and_all(
    given_stretches: list[tuple[float, float, str, str]], seconds: float
) -> None:
    stretches = tuple(Supervision(b, b + n, text or None, speaker=who) for b, n, text, who in given_stretches)
    out = segmented(seconds, supervisions=stretches)  # which accounts for it
    made = [r for r in out if isinstance(r, Utterance)]
    rest = [r for r in out if isinstance(r, Reject) and r.reason == "outside_given_turns"]
    covered = union([(u.start, u.end) for u in made])
    assert sum(r.seconds for r in rest) == pytest.approx(seconds - covered, abs=1e-6)
    assert all(0 <= u.start < u.end <= seconds and u.seconds <= 30 + 1e-9 for u in made)
    for stretch in stretches:
        if stretch.text and stretch.start >= 0 and stretch.end <= seconds and 0.3 <= stretch.end - stretch.start <= 30:
            assert (stretch.start, stretch.end, stretch.speaker) in {(u.start, u.end, u.speaker) for u in made}


def test_given_stretches_carry_what_is_said_of_them_and_overlap_is_marked() -> None:
    words = (Word("yes", 0.1, 0.4),)
    out = segmented(
        20.0,
        supervisions=(
            Supervision(2.0, 6.0, "no", speaker="B"),
            Supervision(
                start=1.0, end=3.0, text="yes", words=words, phones=words, speaker="A", language="de", emotion="joy"
            ),
            Supervision(19.0, 25.0, "late"),
        ),
    )
    late, one, two, rest = out
    assert isinstance(late, Reject) and (late.reason, late.seconds) == ("outside_audio", 0.0)
    assert isinstance(one, Utterance) and isinstance(two, Utterance)
    assert (one.key, one.text, one.words, one.phones) == ("rec-1-0000", "yes", words, words)
    assert (one.speaker, one.language, one.emotion, one.segmenter, one.transcriber) == (
        "A",
        "de",
        "joy",
        "given",
        "given",
    )
    assert (two.speaker, two.language, two.overlap, one.overlap) == ("B", "en", 1.0, 1.0)
    assert isinstance(rest, Reject) and rest.seconds == pytest.approx(15.0)


def test_a_long_recording_with_timed_words_is_cut_at_its_pauses() -> None:
    starts = [n * 1.0 + (5.0 if n >= 40 else 0.0) for n in range(80)]
    words = tuple(Word(f"w{n}", s, s + (0.9 if n != 20 else 0.5)) for n, s in enumerate(starts))
    out = segmented(90.0, text="long", words=words)
    made = [u for u in out if isinstance(u, Utterance)]
    assert [w.text for u in made for w in u.words] == [w.text for w in words]
    assert all(u.seconds <= 27 for u in made)
    assert 45.0 in [u.start for u in made] and 21.0 in [u.start for u in made]
    assert made[0].text == " ".join(w.text for w in made[0].words)
    assert all(w.start >= 0 and w.end <= u.seconds + 1e-9 for u in made for w in u.words)


def test_what_lies_between_is_one_reject() -> None:
    *made, reject = segmented(60.0, ((1.0, 5.0), (20.0, 20.1), (40.0, 50.0)))
    assert [(u.start, u.end) for u in made if isinstance(u, Utterance)] == [(1.0, 5.0), (40.0, 50.0)]
    assert isinstance(reject, Reject)
    assert (reject.reason, reject.seconds) == ("no_speech", pytest.approx(46.0))


def test_speech_beyond_the_end_is_cut_off() -> None:
    out = segmented(40.0, ((35.0, 40.032), (40.01, 40.5)))
    assert [(u.start, u.end) for u in out if isinstance(u, Utterance)] == [(35.0, 40.0)]


def test_a_recording_without_speech_is_rejected_whole() -> None:
    (reject,) = segmented(100.0)
    assert isinstance(reject, Reject) and reject.seconds == 100.0


def test_turns_become_utterances_with_the_voices_timing() -> None:
    turns = tuple(
        Turn(
            speaker=f"s{n}",
            text=f"turn {n}",
            emotion="happy",
            level=2,
            voice="v",
            audio=Audio("x.bin", n * 10, 10),
            seconds=1.5 + n,
            words=(Word("turn", 0.1, 0.4),),
        )
        for n in range(3)
    )
    dialogue = Dialogue(key="d-1", source="dialogues", turns=turns, language="en", licence="CC0")
    stage = Turns()
    made = list(stage([dialogue]))
    assert [u.key for u in made] == ["d-1-0000", "d-1-0001", "d-1-0002"]
    assert {stage.parent(u) for u in made} == {"d-1"}
    assert sum(u.seconds for u in made) == dialogue.seconds == 7.5
    for number, (utterance, turn) in enumerate(zip(made, turns, strict=True)):
        assert (utterance.audio, utterance.start, utterance.end) == (turn.audio, 0.0, turn.seconds)
        assert (utterance.text, utterance.words, utterance.speaker) == (turn.text, turn.words, turn.speaker)
        assert (utterance.emotion, utterance.dialogue, utterance.turn) == ("happy", "d-1", number)
        assert (utterance.language, utterance.licence) == ("en", "CC0")


def test_an_utterance_has_the_role_level_and_style_of_its_turn_and_what_is_not_spoken_makes_none() -> None:
    turns = (
        Turn(speaker="system", text="Be kind.", role="system"),
        Turn(speaker="a", text="Hi.", role="human", emotion="sad", level=4, style="rap", language="de", seconds=1.0),
        Turn(speaker="b", text="", role="assistant", tool_call="{}"),
        Turn(speaker="tool", text="", role="tool", tool_result="{}"),
        Turn(speaker="b", text="Yes.", role="assistant", seconds=2.0),
    )
    made = list(Turns()([Dialogue(key="d", source="s", turns=turns, language="en")]))
    assert [(u.key, u.turn, u.role, u.level, u.style, u.language) for u in made] == [
        ("d-0001", 1, "human", 4, "rap", "de"),
        ("d-0004", 4, "assistant", 0, "", "en"),
    ]


class Failing(GivenSpans):
    def speech(self, blocks: Iterable[np.ndarray]) -> list[SpeakerSpan]:
        raise Unusable("backend_failed", "out of memory")


def test_a_recording_that_the_segmenter_fails_over_is_rejected_whole() -> None:
    stage = Segment(segmenter=Failing())
    stage.setup(Store("memory://nowhere"))
    (fault,) = stage([recording(60.0)])
    assert isinstance(fault, Reject)
    assert (fault.reason, fault.detail, fault.seconds) == ("backend_failed", "out of memory", 60.0)


def test_a_transcript_of_a_long_recording_stays_whole_only_where_that_is_wanted() -> None:
    for most, kept in ((30.0, False), (600.0, True)):
        stage = Segment(segmenter=GivenSpans(longest_transcript=most, spans=((1.0, 2.0),)))
        stage.setup(Store("memory://nowhere"))
        (out,) = stage([recording(500.0, "all that was said")])
        assert isinstance(out, Utterance) == kept
        if not kept:
            assert out.reason == "long_transcript" and "weft align" in out.detail


def test_another_voice_within_a_piece_is_marked() -> None:
    stage = Segment(segmenter=GivenSpans(spans=((1.0, 5.0, "A", 0.75), (5.0, 9.0, "B", 0.0)), gap=0.1))
    stage.setup(Store("memory://nowhere"))
    found = [u for u in stage([recording(60.0)]) if isinstance(u, Utterance)]
    assert [(u.speaker, u.overlap) for u in found] == [("A", 0.75), ("B", 0.0)]


class TestSplits:
    """Every utterance gets its split where it is cut; what is wrong is a reject, and every second stays accounted for."""

    def cut(self, *recordings: Recording, spans: Spans = (), **splits: object) -> list[Utterance | Reject]:
        stage = Segment(segmenter=GivenSpans(spans=spans), splits=Splits(**splits))
        stage.setup(Store("memory://nowhere"))
        out = list(stage(recordings))
        parts = [[r for r in out if isinstance(r, kind)] for kind in (Utterance, Reject)]
        account(PartWork(node="segment/s", stage=stage, part=0, inputs=()), stage, list(recordings), [], *parts)
        return out

    def test_one_of_no_split_is_train(self) -> None:
        (made,) = self.cut(recording(3.0))
        assert isinstance(made, Utterance) and made.split == "train"

    def test_the_datas_own_split_is_called_by_one_name(self) -> None:
        (made,) = self.cut(recording(3.0, split="dev-clean"))
        assert isinstance(made, Utterance) and made.split == "validation"

    def test_a_name_of_no_split_is_rejected_with_its_seconds(self) -> None:
        (made,) = self.cut(recording(3.0, split="banana"))
        assert isinstance(made, Reject)
        assert (made.reason, made.seconds, made.stage) == ("unknown_split", 3.0, "segment")
        assert "'banana' is none of train, validation, test" in made.detail

    def test_each_speaker_of_a_recording_has_a_split(self) -> None:
        rule = HoldOut(speakers=0.5)
        names = [f"s{n}" for n in range(20)]
        out = {name for name in names if Splits(space="read", hold_out=rule).selects(name)}
        given = tuple(Supervision(n, n + 1.0, "hm", speaker=name) for n, name in enumerate(names))
        made = self.cut(recording(20.0, supervisions=given), space="read", hold_out=rule)
        assert {u.speaker for u in made if isinstance(u, Utterance) and u.split == "validation"} == out != set(names)

    def test_stretches_may_be_of_several_splits(self) -> None:
        given = (
            Supervision(0.0, 1.0, "a", split="train"), Supervision(1.0, 2.0, "b"), Supervision(2.0, 3.0, "c", split="banana"),
            Supervision(3.0, 4.0, split="test"), Supervision(4.0, 5.0, split="dev"), Supervision(5.0, 6.0, split="dev"),
        )  # fmt: skip
        made = self.cut(recording(6.0, supervisions=given), default="test")
        utterances = [u for u in made if isinstance(u, Utterance)]
        assert [u.split for u in utterances] == ["train", "test", "test", "validation"]
        assert (utterances[-1].start, utterances[-1].end) == (4.0, 6.0)  # pieces merge within a split only
        assert [(r.reason, r.seconds) for r in made if isinstance(r, Reject)] == [
            ("unknown_split", 0.0),
            ("outside_given_turns", 1.0),
        ]

    def test_what_a_segmenter_calls_a_speaker_is_no_name(self) -> None:
        """SPEAKER_00 of one recording is somebody else in the next; the recording's own speaker is known."""
        rule = {"space": "read", "hold_out": HoldOut(speakers=0.999999)}
        heard = self.cut(replace(recording(60.0), speaker=""), spans=((1.0, 5.0, "SPEAKER_00", 0.0),), **rule)
        known = self.cut(recording(60.0), spans=((1.0, 5.0),), **rule)
        assert [u.split for u in heard + known if isinstance(u, Utterance)] == ["train", "validation"]

    def test_all_turns_of_a_dialogue_are_of_one_split(self) -> None:
        rule = Splits(space="talks", hold_out=HoldOut(speakers=0.5))
        turns = tuple(Turn(who, "hm", seconds=1.0) for who in "abc")
        made = list(Turns(splits=rule)([Dialogue(f"d{n}", "talks", turns) for n in range(9)]))
        splits = {
            u.dialogue: {v.split for v in made if isinstance(v, Utterance) and v.dialogue == u.dialogue} for u in made
        }
        assert all(len(of) == 1 for of in splits.values()) and set().union(*splits.values()) == {"train", "validation"}

    def test_a_dialogue_of_no_split_is_rejected_whole(self) -> None:
        (made,) = Turns()([Dialogue("d", "talks", (Turn("a", "hm", seconds=1.5),), split="banana")])
        assert isinstance(made, Reject) and (made.reason, made.seconds) == ("unknown_split", 1.5)

    def test_another_share_cuts_anew_and_does_not_decode_anew(self) -> None:
        shares = [HoldOut(speakers=share) for share in (0.1, 0.2)]
        given = [(folder.Source(path="raw", hold_out=s), Splits(space="a", hold_out=s)) for s in shares]
        ingest = [Ingest(source=source, splits=rule).fingerprint() for source, rule in given]
        cut = [Segment(segmenter=GivenSpans(), splits=rule).fingerprint() for _, rule in given]
        assert ingest[0] == ingest[1] and cut[0] != cut[1]
