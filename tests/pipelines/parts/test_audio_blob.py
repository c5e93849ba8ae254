"""Audio that records carry lies in one file, and each record says where."""

from hypothesis import given
from hypothesis import strategies as st

from weft.pipelines.parts.audio_blob import pack_audio
from weft.schemas.audio import Audio, Utterance
from weft.schemas.text import Dialogue, Turn


@given(sounds=st.lists(st.lists(st.binary(max_size=20), max_size=3), max_size=4))
def test_every_sound_lies_where_its_turn_says(sounds: list[list[bytes]]) -> None:
    spoken = [
        Dialogue(str(n), "d", tuple(Turn("x", "t", audio=Audio("", data=s)) for s in of)) for n, of in enumerate(sounds)
    ]
    placed, blob = pack_audio(spoken, "synthesize/d/part-00000.bin")
    assert blob == b"".join(s for of in sounds for s in of)
    for dialogue, of in zip(placed, sounds, strict=True):
        for turn, sound in zip(dialogue.turns, of, strict=True):
            assert turn.audio.data == b""
            assert blob[turn.audio.offset : turn.audio.offset + turn.audio.length] == sound
            assert turn.audio.uri == ("synthesize/d/part-00000.bin" if sound else "")


def test_other_records_are_left_as_they_are() -> None:
    one = Utterance(key="a", recording="a", source="s", audio=Audio("a.wav"), sha256="", start=0.0, end=1.0)
    assert pack_audio([one], "x.bin") == ([one], b"")
