"""Fixed-ratio interleaving: n text tokens, then m audio tokens, and again."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.ratio import Task
from weft.schemas.audio import Codes
from weft.schemas.ledger import Unusable

FIXTURES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
Make, Weave, Names = Callable[..., Material], Callable[..., SampleBuilder], Callable[[int], str]
Codings = Callable[..., Codes]


def task(**settings: object) -> Task:
    given = {"sources": ("speech",), "of": ("text", "hubert"), "sizes": (1, 4), **settings}
    return Task.model_validate(given)


def of(material: Make, words: int, codes: Codes, text: str | None = None) -> Material:
    (spoken,) = material(words).spoken
    utterance = spoken.utterance if text is None else replace(spoken.utterance, text=text)
    named = dict.fromkeys(("hubert", "other"), codes)
    return Material(utterance, (replace(spoken, utterance=utterance, codes=named),))


@given(n=st.integers(1, 4), m=st.integers(1, 6), words=st.integers(1, 25), count=st.integers(0, 60), pad=st.booleans())
@FIXTURES
def test_the_pattern_holds_and_nothing_is_lost(
    material: Make, woven: Weave, names: Names, codes: Codings, n: int, m: int, words: int, count: int, pad: bool
) -> None:
    ids = [i % 50 for i in range(count)]
    settings = {"sizes": (n, m), "text_pad": "pad", "audio_pad": "end"} if pad else {"sizes": (n, m)}
    made = woven(task(**settings), of(material, words, codes("hubert", 25.0, ids, [1] * count)))
    begin, body = [names(i) for i in made.ids[:2]], [names(i) for i in made.ids[2:]]
    texts, audio = [f"w{i}" for i in range(words)], [f"h{i}" for i in ids]
    rounds = max(-(-count // m), -(-words // n))
    if pad:
        texts += ["pad"] * (-(-count // m) * n - words)
        audio += ["end"] * (rounds * m - count)
    assert begin == ["bos", "speech"]
    assert body == [x for i in range(rounds) for x in (*texts[i * n : i * n + n], *audio[i * m : i * m + m])]


class TestOneToFour:
    """Step-Audio 2's interleave (recipes: TA4), whose text pad, audio pad and markers are settings."""

    def spelt(
        self, material: Make, woven: Weave, names: Names, codes: Codings, words: int, count: int, **settings: object
    ) -> str:
        given = of(material, words, codes("hubert", 25.0, range(count), [1] * count))
        return " ".join(map(names, woven(task(open="", **settings), given).ids)).removeprefix("bos ")

    @pytest.mark.parametrize(
        ("words", "count", "settings", "wanted"),
        [
            (2, 10, {"text_pad": "pad"}, "w0 h0 h1 h2 h3 w1 h4 h5 h6 h7 pad h8 h9"),
            (2, 10, {"text_pad": "pad", "audio_pad": "end"}, "w0 h0 h1 h2 h3 w1 h4 h5 h6 h7 pad h8 h9 end end"),
            (1, 9, {}, "w0 h0 h1 h2 h3 h4 h5 h6 h7 h8"),
            (4, 4, {}, "w0 h0 h1 h2 h3 w1 w2 w3"),
            (2, 3, {"audio_pad": "end"}, "w0 h0 h1 h2 end w1 end end end end"),
            (2, 3, {"audio_pad": "end", "pad_audio": "none"}, "w0 h0 h1 h2 w1"),
            (2, 3, {"audio_pad": "end", "pad_audio": "served"}, "w0 h0 h1 h2 w1"),
            (5, 3, {"audio_pad": "end", "pad_audio": "served"}, "w0 h0 h1 h2 end w1 end w2 w3 w4"),
        ],
    )
    def test_tails(
        self,
        material: Make,
        woven: Weave,
        names: Names,
        codes: Codings,
        words: int,
        count: int,
        settings: dict[str, str],
        wanted: str,
    ) -> None:
        assert self.spelt(material, woven, names, codes, words, count, **settings) == wanted


def test_markers_at_both_ends(material: Make, woven: Weave, names: Names, codes: Codings) -> None:
    made = woven(task(open="tts", close="end"), of(material, 1, codes("hubert", 25.0, [7], [1])))
    assert " ".join(map(names, made.ids)) == "bos tts w0 h7 end"


def test_two_streams_and_text_in_the_order_of_the_list(
    material: Make, woven: Weave, names: Names, codes: Codings
) -> None:
    """10 : 6 : 9 in small: 2 of text, 1 of one stream, 2 of the other; once the text ends, groups carry audio alone."""
    given = of(material, 3, codes("hubert", 25.0, range(6), [1] * 6))
    made = woven(task(of=("text", "hubert", "other"), sizes=(2, 1, 2), open=""), given)
    wanted = "bos w0 w1 h0 h0 h1 w2 h1 h2 h3 h2 h4 h5 h3 h4 h5"
    assert " ".join(map(names, made.ids)) == wanted


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sizes": (1, 4, 2)}, "give one for each"),
        ({"of": ("hubert", "other")}, "names `text` once"),
        ({"of": ("text", "hubert", "hubert"), "sizes": (1, 2, 3)}, "each stream once"),
        ({"sizes": (0, 4)}, "greater than or equal to 1"),
    ],
)
def test_a_list_that_fits_nothing_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        task(**wrong)


def test_a_transcript_is_needed(material: Make, woven: Weave, codes: Codings) -> None:
    with pytest.raises(Unusable) as fault:
        woven(task(), of(material, 2, codes("hubert", 25.0, [1], [1]), text=""))
    assert fault.value.reason == "no_transcript"
