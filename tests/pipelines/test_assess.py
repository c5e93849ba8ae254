"""Measures against sounds whose quality is known because it is made here."""

import numpy as np
import pytest

from weft.pipelines.assess import Assess, bandwidth, clipping, measured, repeats, snr
from weft.pipelines.audio.sound import flac
from weft.pipelines.segmenters.base import SpeakerSpan
from weft.pipelines.segmenters.silero import Segmenter
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Quality, Utterance
from weft.schemas.ledger import Reject
from weft.schemas.quality import QualitySettings

RATE = 16_000


def noise(seconds: float, level: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, level, round(seconds * RATE)).astype(np.float32)


@pytest.mark.parametrize("decibels", [0.0, 10.0, 30.0])
def test_snr_is_speech_over_pauses(decibels: float) -> None:
    loud = 0.01 * 10 ** (decibels / 20)
    samples = np.concatenate([noise(1, 0.01), noise(1, loud, 1), noise(1, 0.01, 2)])
    assert snr(samples, [SpeakerSpan(1.0, 2.0)]) == pytest.approx(decibels, abs=0.3)
    assert snr(samples, []) == 0.0


def test_clipping_is_what_lies_at_the_peak() -> None:
    wave = np.sin(np.linspace(0, 700, 3 * RATE)).astype(np.float32)
    assert clipping(np.clip(2 * wave, -1, 1)) > 0.5
    assert clipping(noise(3, 0.1)) < 0.001
    assert clipping(np.zeros(100, np.float32)) == 0.0


def test_bandwidth_of_a_telephone() -> None:
    spectrum = np.fft.rfft(noise(3, 0.1))
    spectrum[(3400 * 3) :] = 0
    narrow = np.fft.irfft(spectrum, 3 * RATE).astype(np.float32)
    assert 3300 < bandwidth(narrow) < 3600
    assert bandwidth(noise(3, 0.1)) > 7900
    assert bandwidth(np.zeros(RATE, np.float32)) == bandwidth(noise(0.01, 0.1)) == 0.0


def test_repeats_are_loops_and_not_rhetoric() -> None:
    assert repeats(["thank", "you", "thank", "you", "thank", "you", "thank", "you"]) == 0.75
    assert repeats(["no", "no", "no", "no"]) == 0.75
    assert (
        repeats(
            [
                "ask",
                "not",
                "what",
                "your",
                "country",
                "can",
                "do",
                "for",
                "you",
                "ask",
                "what",
                "you",
                "can",
                "do",
                "for",
                "your",
                "country",
            ]
        )
        == 0
    )
    assert repeats([]) == 0


def test_rate_is_letters_a_second_of_speech() -> None:
    found = measured(noise(4, 0.1), [SpeakerSpan(1, 2), SpeakerSpan(2.5, 3.5)], "ten letters!")
    assert found.rate == 5
    assert found.speech == 0.5
    assert measured(noise(1, 0.1), [], "words").rate == float("inf")
    assert measured(noise(1, 0.1), [], "").rate == 0
    assert isinstance(measured(np.zeros(0, np.float32), [], ""), Quality)


def staged(store: Store, samples: np.ndarray, limits: QualitySettings, **fields: object) -> Utterance | Reject:
    store.write("raw.flac", flac(samples, RATE))
    stage = Assess(limits=limits)
    stage.setup(store)
    (out,) = stage(
        [
            Utterance(
                key="u-0",
                recording="u",
                source="s",
                audio=Audio("raw.flac"),
                sha256="",
                start=0.0,
                end=len(samples) / RATE,
                **fields,
            )
        ]
    )
    return out


def test_without_limits_everything_is_measured_and_stays(store: Store) -> None:
    kept = staged(store, noise(2, 0.1), QualitySettings(), text="so it is")
    assert isinstance(kept, Utterance) and kept.quality and kept.quality.bandwidth > 7900


@pytest.mark.parametrize(
    ("limits", "fields", "reason"),
    [
        ({"snr": 5}, {}, "noisy"),
        ({"clipping": 0.0}, {}, "clipped"),
        ({"speech": 0.9}, {}, "little_speech"),
        ({"overlap": 0.1}, {"overlap": 1.0}, "overlapped"),
        ({"fastest": 30}, {"text": "far too many words for noise"}, "fast_text"),
        ({"repeats": 0.5}, {"text": "no no no no no"}, "repeats"),
    ],
)
def test_a_limit_rejects_with_its_reason_and_the_measure(store: Store, limits: dict, fields: dict, reason: str) -> None:
    fault = staged(store, noise(2, 0.1), QualitySettings(**limits), **fields)
    assert isinstance(fault, Reject)
    assert fault.reason == reason
    assert "below" in fault.detail or "above" in fault.detail
    assert fault.seconds == 2


def test_a_narrow_band_is_rejected(store: Store) -> None:
    tone = np.sin(np.arange(2 * RATE) * 0.5).astype(np.float32) * 0.5
    fault = staged(store, tone, QualitySettings(bandwidth=3000))
    assert isinstance(fault, Reject) and fault.reason == "narrow"


def test_limits_of_a_text_leave_speech_without_one(store: Store) -> None:
    assert isinstance(staged(store, noise(2, 0.1), QualitySettings(slowest=3, repeats=0)), Utterance)


def test_a_file_that_broke_since_it_was_ingested_is_rejected(store: Store) -> None:
    stage = Assess(limits=QualitySettings())
    stage.setup(store)
    (fault,) = stage(
        [
            Utterance(
                key="u-0", recording="u", source="s", audio=Audio("", data=b"no audio"), sha256="", start=0.0, end=1.0
            )
        ]
    )
    assert isinstance(fault, Reject) and (fault.stage, fault.reason, fault.seconds) == ("assess", "not_audio", 1.0)


def test_how_speech_is_found_is_part_of_what_it_is() -> None:
    plain, careful = Assess(limits=QualitySettings()), Assess(limits=QualitySettings(), vad=Segmenter(threshold=0.6))
    assert plain.fingerprint() != careful.fingerprint()
