"""espeak-ng speaks every written word once and in order, and never remembers what it said before."""

import ctypes
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.benchmarks.voices import CHANGES, TEXT, changes, flat_tops, in_order, measured
from weft.pipelines.audio.sound import at_16k
from weft.pipelines.voices.base import Style, Synthesized, style_for
from weft.pipelines.voices.common.emotions import SPEEDS
from weft.pipelines.voices.espeak import Voice
from weft.pipelines.writers.grammar import sentences
from weft.schemas.ledger import Unusable
from weft.schemas.text import LEVELS, Dialogue, Turn
from weft.tokenizers.features.f0 import f0

VOICE = Voice()
SPOKEN_TWICE = (
    'from weft.pipelines.voices.espeak import Voice; from weft.pipelines.voices.base import Style; from hashlib \
import sha256; print(sha256(Voice().speak("Hello there.", Style("gmw/en-US", "caleb")).samples.tobytes()).hexdigest())'
)


def digest(spoken: Synthesized) -> str:
    return sha256(spoken.samples.tobytes()).hexdigest()


def check(text: str, spoken: Synthesized) -> None:
    """Each written word once, in order, inside the audio."""
    assert [word.text for word in spoken.words] == text.split()
    times = [time for word in spoken.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= spoken.seconds
    assert spoken.samples.dtype == np.float32
    assert np.abs(spoken.samples).max() <= 1


def loudness(spoken: Synthesized, start: float, end: float) -> float:
    stretch = spoken.samples[int(start * spoken.rate) : int(end * spoken.rate)]
    return float(np.sqrt(np.mean(stretch**2))) if len(stretch) else 0.0


def test_plain_sentences_give_every_word_a_length():
    styles = VOICE.styles()
    for number, text in enumerate(sentences(60, 3)):
        spoken = VOICE.speak(text, style_for(f"s{number}", seed=1, cast=styles))
        check(text, spoken)
        assert all(0.02 < word.end - word.start < 2 for word in spoken.words), (text, spoken.words)


def test_sound_is_inside_the_words_and_silence_outside():
    spoken = VOICE.speak("We came home. It was late, and nobody was there.", Style("gmw/en-US"))
    inside = [loudness(spoken, word.start, word.end) for word in spoken.words]
    pauses = [(a.end, b.start) for a, b in pairwise(spoken.words) if b.start - a.end > 0.05]
    outside = [loudness(spoken, *pause) for pause in [*pauses, (spoken.words[-1].end + 0.01, spoken.seconds)]]
    assert len(pauses) == 2
    assert min(inside) > 5 * max(outside)


def test_a_word_spoken_as_many_is_one_and_words_spoken_as_one_are_many():
    text = "In 1984 the U.S. sold 12,345 of the cars in the north."
    spoken = VOICE.speak(text, Style())
    check(text, spoken)
    length = {word.text: word.end - word.start for word in spoken.words}
    assert length["1984"] > 1 < length["12,345"]
    assert all(0.05 < length[word] < 0.3 for word in ("of", "the", "in"))


def test_words_start_where_they_start_alone():
    """The same words, one after another with pauses: each onset is where its sound rises from silence."""
    spoken = VOICE.speak("Apple. Window. Yellow. Music.", Style("gmw/en-US"))
    for word in spoken.words[1:]:
        assert loudness(spoken, word.start - 0.05, word.start) < 0.01 < loudness(spoken, word.start, word.start + 0.1)


def test_a_dash_takes_no_time_and_no_number():
    spoken = VOICE.speak("Yes - 12,345 of them — all *** gone...", Style())
    length = [word.end - word.start for word in spoken.words]
    assert [word.text for word, took in zip(spoken.words, length, strict=True) if not took] == ["-", "—", "***"]
    assert length[2] > 1.5


def test_order_does_not_matter():
    styles = random.Random(0).sample(VOICE.styles(), 8) + [("gmw/en-US", v) for v in ("Reed", "caleb", "whisper", "f5")]
    work = [(text, Style(voice=voice, variant=variant)) for text in sentences(4, 5) for voice, variant in styles]
    first = {job: digest(VOICE.speak(*job)) for job in work}
    random.Random(1).shuffle(work)
    assert {job: digest(VOICE.speak(*job)) for job in work} == first


def test_another_process_and_other_threads_say_the_same():
    alone = subprocess.run(
        [sys.executable, "-c", SPOKEN_TWICE], capture_output=True, text=True, check=True
    ).stdout.strip()
    with ThreadPoolExecutor(4) as pool:
        heard = set(pool.map(lambda _: digest(VOICE.speak("Hello there.", Style("gmw/en-US", "caleb"))), range(12)))
    assert heard == {alone}


@pytest.mark.parametrize("variant", ["Annie", "m3"])
@pytest.mark.parametrize("emotion", ["happy", "angry", "sad", "coquettish"])
def test_each_level_lies_beyond_the_one_before(variant: str, emotion: str):
    rows = changes(variant, feelings=[emotion])
    assert [row.level for row in rows] == list(LEVELS)
    assert all(in_order(rows, change) for change in CHANGES)


def test_speeds_are_spoken_as_designed():
    rates = {
        s: measured(VOICE.speak(TEXT, style_for("anna", speed=s, cast=[("gmw/en-US", "f2")]))).rate
        for s in ("", *SPEEDS)
    }
    for speed, factor in SPEEDS.items():
        assert rates[speed] / rates[""] == pytest.approx(factor, rel=0.06)


@pytest.mark.parametrize("variant", ["f2", "Annie", "zac", "aunty", "m3"])
@pytest.mark.parametrize("factor", [0.8, 1.25, 1.5])
def test_the_whole_range_moves_with_the_pitch(variant: str, factor: float):
    """The F0 of a lively voice is multiplied by the factor at its top and at its bottom, so that it gets no flatter."""
    text = "I did not know that she would come home so early today."
    plain, moved = (tracked(VOICE.speak(text, Style("gmw/en-US", variant, pitch=p))) for p in (1.0, factor))
    for share in (25, 50, 75):
        assert np.percentile(moved, share) / np.percentile(plain, share) == pytest.approx(factor, rel=0.04)


def tracked(spoken: Synthesized) -> np.ndarray:
    """F0 of the voiced frames."""
    track = f0(at_16k(spoken.samples, spoken.rate))
    return track[track > 0]


def test_variants_are_as_loud_as_each_other_and_none_is_cut_off():
    """iven, antonio and paul are the loudest of espeak's own, ian and victor the quietest: 20 dB apart."""
    text = "I did not know that she would come home so early today."
    spoken = [
        VOICE.speak(text, Style("gmw/en-US", v)) for v in ("iven", "antonio", "paul", "ed", "ian", "victor", "f2")
    ]
    levels = [20 * np.log10(loudness(s, s.words[0].start, s.words[-1].end)) for s in spoken]
    assert max(levels) - min(levels) < 1
    assert all(flat_tops(s.samples) <= 2 and np.abs(s.samples).max() < 0.995 for s in spoken)


def test_how_loud_it_speaks_is_a_setting():
    said = [Voice(loudness=decibels).speak("Good morning.", Style("gmw/en-US", "f2")) for decibels in (-27, -33)]
    levels = [20 * np.log10(loudness(s, s.words[0].start, s.words[-1].end)) for s in said]
    assert levels[0] - levels[1] == pytest.approx(6, abs=0.1)


def test_voices_without_a_pitch_are_not_in_the_cast():
    assert not {"caleb", "klatt", "klatt2", "whisper"} & {variant for _, variant in VOICE.styles()}
    assert Voice(variants=("caleb",)).styles()[0][1] == "caleb"


def test_it_speaks_the_languages_it_has():
    assert VOICE.speaks("de") and VOICE.speaks("zh") and not VOICE.speaks("xx")
    assert VOICE.in_language("de").styles()[0][0] == "gmw/de"
    assert VOICE.in_language("") is VOICE.in_language("en") is VOICE
    assert Voice(language="en-us").in_language("en").language == "en-us"
    with pytest.raises(Unusable, match="espeak does not speak the language 'xx'"):
        VOICE.in_language("xx")


def test_a_dialogue_is_spoken_if_each_turn_that_a_voice_speaks_is():
    asked, act = (
        Turn(speaker="", role="human", text="Who?"),
        Turn(speaker="", role="assistant", text="Me.", style="rap"),
    )
    unspoken = Turn(speaker="", role="tool", text="ja", language="xx")
    for turns, language, is_spoken in (
        ((asked, unspoken), "", True),
        ((asked,), "de", True),
        ((asked,), "xx", False),
        ((asked, act), "", False),
    ):
        assert VOICE.can_speak(Dialogue(key="d", source="s", turns=turns, language=language)) == is_spoken


@pytest.mark.parametrize("text", ["…", "?!", "\ud800", "&", "7", "Oh?!"])
def test_a_dialogue_with_a_turn_without_a_sound_is_not_spoken(text: str):
    turns = (Turn(speaker="", role="human", text="Who?"), Turn(speaker="", role="assistant", text=text))
    assert VOICE.can_speak(Dialogue(key="d", source="s", turns=turns)) == (text in ("&", "7", "Oh?!"))


@pytest.mark.parametrize("text", ["", "  \n", "...", "- — *** …", "\0\x01", "\ud800"])
def test_nothing_to_speak_is_said_so(text: str):
    with pytest.raises(Unusable, match="nothing to speak"):
        VOICE.speak(text, Style())


@pytest.mark.parametrize("style", [Style("fr"), Style("../../x"), Style("", "no such"), Style("", "../!v/f1")])
def test_unknown_voices_are_refused(style: Style):
    with pytest.raises(ValueError, match="espeak has no"):
        VOICE.speak("Hello.", style)


def test_a_variant_that_is_not_there_is_an_error_of_the_recipe() -> None:
    with pytest.raises(ValueError, match="espeak has no variant 'nobody'"):
        Voice(variants=("f2", "nobody"))


def test_markup_is_read_out():
    pause = "one <break time='9s'/> two"
    spoken = VOICE.speak(pause, Style())
    check(pause, spoken)
    assert loudness(spoken, spoken.words[1].start, spoken.words[2].end) > 0.01
    assert spoken.seconds < 6


@pytest.mark.parametrize(
    "text",
    ["<speak><audio src='/etc/passwd'/>", "a\0b c\x0150Rd", "\U0001f468\u200d\U0001f469 😀😀 naïve 日本 привет",
     "[[h@l'oU]] &amp; &#0;", "x" * 3000, "word " * 1500, "( ( a", "\ud800x", "e\u0301\u0301\u0301 \u202eabc", "%s %n"],
)  # fmt: skip
def test_hostile_text_is_spoken(text: str):
    check(text, VOICE.speak(text, Style()))


@settings(max_examples=150, deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_any_text_is_spoken_or_refused(text: str):
    try:
        spoken = VOICE.speak(text, Style("gmw/en-US", "f2"))
    except Unusable as error:
        spoken, refusal = None, error.detail
    if spoken:
        check(text, spoken)
    else:
        assert "nothing to speak" in refusal


def test_other_languages():
    voice = Voice(language="de")
    check("Guten Morgen, wie geht es dir?", voice.speak("Guten Morgen, wie geht es dir?", Style()))
    assert {name for name, _ in voice.styles()} == {"gmw/de"}
    with pytest.raises(ValueError, match="no voice for the language 'xx'"):
        Voice(language="xx").styles()


def test_the_version_names_library_and_wheel():
    assert VOICE.version().startswith("espeak-ng 1.")


def test_what_other_threads_draw_from_the_c_library_changes_no_sample() -> None:
    style = Style("gmw/en-US", "Reed")  # its noise is drawn from `rand`
    quiet = digest(VOICE.speak(TEXT, style))
    stopped, rand = threading.Event(), ctypes.CDLL(None).rand

    def draw() -> None:
        while not stopped.wait(0.0005):
            rand()

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        assert {digest(VOICE.speak(TEXT, style)) for _ in range(5)} == {quiet}
    finally:
        stopped.set()
        thread.join()
