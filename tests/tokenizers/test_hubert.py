"""HuBERT units: a small model trained here, repeatable and independent of the order of clips, and the refusals."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.numpy import save_file
from transformers import HubertConfig, HubertModel, Wav2Vec2Config, Wav2Vec2Model

from tests.checkpoints import small_hubert
from weft.schemas.fingerprint import hash64
from weft.schemas.learning import Step, steps_to
from weft.schemas.resources import Resources
from weft.tokenizers import hubert
from weft.tokenizers.features.windows import Window, Windowing, batches
from weft.tokenizers.hubert import Tokenizer, normalised
from weft.tokenizers.models import layers
from weft.tokenizers.models.checkpoint import learned_of, load_encoder
from weft.tokenizers.models.layers import frames
from weft.tokenizers.models.learned import load
from weft.tokenizers.stream import Speech, Stream
from weft.tokenizers.training import hubert as hubert_training
from weft.tokenizers.training import loop, speaker_invariance
from weft.tokenizers.training.hubert import HubertTraining, spans

TINY = HubertTraining(
    iterations=2,
    steps=3,
    swaps=2,
    batch_seconds=2,
    crop_seconds=1,
    hidden=16,
    layers=2,
    heads=2,
    clusters=8,
    prototypes=8,
)


def tokenizer(**changes: object) -> Tokenizer:
    return Tokenizer.model_validate({"size": 8, "rate": 25, "layer": 1, "training": TINY, **changes})


def speech_of(clips: Sequence[np.ndarray]) -> list[Speech]:
    return [Speech(clip) for clip in clips]


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    """Buzzes of changing pitch with noise, 0.5 to 2.5 s."""
    rng = np.random.default_rng(5)
    lengths = rng.integers(8_000, 40_000, 8)
    pitches = [np.repeat(rng.uniform(80, 2000, n // 1600 + 1), 1600)[:n] for n in lengths]
    buzzes = [np.sign(np.sin(2 * np.pi * np.cumsum(p) / 16_000)) for p in pitches]
    return [(0.1 * b + 0.01 * rng.standard_normal(len(b))).astype(np.float32) for b in buzzes]


@pytest.fixture(scope="module")
def folder(clips: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    trained = tmp_path_factory.mktemp("hubert")
    tokenizer().train(speech_of(clips), trained, seed=1)
    return trained


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Tokenizer:
    units = tokenizer()
    units.load(folder)
    return units


def test_training_twice_gives_the_same_bytes(clips: list[np.ndarray], folder: Path, tmp_path: Path) -> None:
    tokenizer().train(speech_of(clips[::-1]), tmp_path, seed=1)
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "model.safetensors"]
    for file in folder.iterdir():
        assert file.read_bytes() == (tmp_path / file.name).read_bytes(), file.name


def test_another_seed_gives_another_model(clips: list[np.ndarray], loaded: Tokenizer, tmp_path: Path) -> None:
    other = tokenizer()
    other.train(speech_of(clips), tmp_path, seed=2)
    assert other.checksum != loaded.checksum


def test_training_does_not_change_the_callers_random_generator(clips: list[np.ndarray], tmp_path: Path) -> None:
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    tokenizer().train(speech_of(clips), tmp_path, seed=1)
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize("most", [10, 37, 10_000])
def test_the_codebook_is_trained_on_every_nth_frame(
    clips: list[np.ndarray], loaded: Tokenizer, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    every = np.concatenate(loaded.features(clips))
    monkeypatch.setattr(hubert, "CODEBOOK_CLIPS", 3)
    training = loaded.training.model_copy(update={"codebook_frames": most})
    thinned = loaded.model_copy(update={"training": training})._thinned_features(clips)
    np.testing.assert_allclose(thinned, every[:: -(-len(every) // most)], atol=1e-5)


@pytest.mark.parametrize("rate", [25, 50])
def test_frame_counts(rate: int, clips: list[np.ndarray], tmp_path: Path) -> None:
    units, hop = tokenizer(rate=rate), 16_000 // rate
    units.train(speech_of(clips), tmp_path, seed=1)
    for n in (hop, hop + 1, 2 * hop - 1, 16_000, 16_001, 23_457):
        stream = units.encode(Speech(clips[1][:n] if n <= len(clips[1]) else np.resize(clips[1], n)))
        assert stream.durations.sum() == units.frames(n) == n // hop
        assert stream.ids.max() < 8


def test_a_model_trained_here_has_a_steady_codebook_and_a_given_one_plain_centroids(
    clips: list[np.ndarray], folder: Path, tmp_path: Path
) -> None:
    tokenizer(model=str(folder)).train(speech_of(clips), tmp_path, seed=1)
    assert set(load(folder).part("codebook")) == {"centroids", "metric"}
    assert set(load(tmp_path).part("codebook")) == {"centroids"}


def test_the_codebook_depends_on_the_speakers(clips: list[np.ndarray], folder: Path, tmp_path: Path) -> None:
    speech = [Speech(clip, speaker="ab"[number % 2]) for number, clip in enumerate(clips)]
    tokenizer().train(speech, tmp_path, seed=1)
    metric, without = (load(one).part("codebook")["metric"].numpy() for one in (tmp_path, folder))
    loaded = tokenizer()
    loaded.load(tmp_path)
    ordered = sorted(speech, key=lambda one: hash64(1, one.name))
    expected = speaker_invariance.fit(
        loaded.features([one.samples for one in ordered]), [one.speaker for one in ordered], 8, 1
    )
    np.testing.assert_allclose(metric, expected.metric, rtol=1e-5)
    assert not np.allclose(metric, without)


def codes(units: Tokenizer, *clips: np.ndarray) -> list[np.ndarray]:
    streams = list(units.encode_all(speech_of(clips)))
    assert all(isinstance(stream, Stream) for stream in streams)
    return [stream.frames for stream in streams if isinstance(stream, Stream)]


def test_encoding_does_not_depend_on_order_or_company(clips: list[np.ndarray], folder: Path) -> None:
    units = tokenizer(batch=3)
    units.load(folder)
    alone = [codes(units, clip)[0] for clip in clips]
    together, backward = codes(units, *clips), codes(units, *reversed(clips))[::-1]
    assert all(map(np.array_equal, alone, together)) and all(map(np.array_equal, alone, backward))


def test_features_together_are_those_alone(
    clips: list[np.ndarray], loaded: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubert, "PADDING", 0.9)
    assert (
        len(
            list(
                batches(
                    [Window(clip=n, start=0, end=len(c), first=0, last=None) for n, c in enumerate(clips)],
                    60 * 16_000,
                    0.9,
                )
            )
        )
        == 1
    )
    for alone, together in zip([loaded.features([c])[0] for c in clips], loaded.features(clips), strict=True):
        assert alone.shape == together.shape and np.allclose(alone, together, atol=1e-4)


def test_long_audio_in_windows_gives_the_codes_of_the_whole(clips: list[np.ndarray], loaded: Tokenizer) -> None:
    rng = np.random.default_rng(3)
    long = np.concatenate([clips[n] * np.float32(rng.uniform(0.5, 1)) for n in rng.integers(0, len(clips), 70)])
    model, grid = loaded._ready()
    assert len(Windowing(hop=grid.hop, batch=60, padding=0.0).windows(0, len(long))) > 2
    (whole,) = frames(model, grid, [normalised(long)])
    (states,) = loaded.features([long])
    assert np.allclose(states, whole, atol=1e-4)
    assert loaded._quantizer and np.array_equal(codes(loaded, long)[0], loaded._quantizer.codes(whole))


def test_training_computes_long_audio_in_windows(loaded: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    model, grid = loaded._ready()
    lengths: list[int] = []

    def recorded(model: Any, grid: Any, rows: Sequence[np.ndarray]) -> Any:
        lengths.extend(map(len, rows))
        return frames(model, grid, rows)

    monkeypatch.setattr(layers, "frames", recorded)
    long = np.random.default_rng(1).normal(0, 0.1, 80 * 16_000).astype(np.float32)
    (states,) = hubert_training._outputs(model, [long], 1)  # type: ignore[arg-type]
    assert len(states) == grid.frames(len(long))
    assert len(lengths) > 1 and max(lengths) <= 40 * 16_000


def test_without_dedup_the_frames_are_the_same(clips: list[np.ndarray], loaded: Tokenizer, folder: Path) -> None:
    plain = tokenizer(dedup=False)
    plain.load(folder)
    stream = plain.encode(Speech(clips[0]))
    assert (stream.durations == 1).all()
    assert np.array_equal(stream.ids, codes(loaded, clips[0])[0])


def test_loudness_counts_only_without_normalisation(
    clips: list[np.ndarray], loaded: Tokenizer, folder: Path, tmp_path: Path
) -> None:
    assert np.array_equal(*codes(loaded, clips[0], clips[0] * np.float32(0.25)))
    raw = tokenizer(model=str(folder), normalise=False)
    raw.train(speech_of(clips), tmp_path, seed=1)
    assert not np.allclose(*raw.features([clips[0], clips[0] * np.float32(0.25)]))


def test_a_gpu_is_requested_where_the_device_is_one() -> None:
    assert tokenizer(device="cuda:0").resources == Resources(gpus=1.0)
    assert tokenizer().resources == Resources()


def test_convolutions_are_computed_in_full_float32(clips: list[np.ndarray], folder: Path) -> None:
    seen: list[bool] = []
    before = torch.backends.cudnn.allow_tf32
    model, grid = load_encoder(str(folder), 1)
    model.feature_extractor.register_forward_hook(lambda *_: seen.append(torch.backends.cudnn.allow_tf32))
    list(frames(model, grid, clips[:1]))
    assert seen == [False]
    assert torch.backends.cudnn.allow_tf32 == before


def test_silence_can_be_encoded(loaded: Tokenizer) -> None:
    assert loaded.encode(Speech(np.zeros(16_000, np.float32))).durations.sum() == 25
    assert not normalised(np.zeros(100, np.float32)).any()


@pytest.mark.parametrize(
    "change", [{"swaps": 0}, {"prototypes": 9}, {"warp": 0.0}, {"bend": 0.0}, {"noise": 1.0}, {"visible": 0.0}]
)
def test_every_setting_of_the_training_counts(
    change: dict[str, float], clips: list[np.ndarray], folder: Path, tmp_path: Path
) -> None:
    tokenizer(training=TINY.model_copy(update=change)).train(speech_of(clips), tmp_path, seed=1)
    assert (tmp_path / "model.safetensors").read_bytes() != (folder / "model.safetensors").read_bytes()


@pytest.mark.parametrize("last", [Step("masked-prediction-2", 2, 3), Step("swapped-prediction", 1, 2)])
def test_an_interrupted_training_is_resumed_to_the_same_bytes(
    last: Step, clips: list[np.ndarray], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 1)

    def interrupt(step: Step) -> None:
        if step == last:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), steps_to(interrupt):
        tokenizer().train(speech_of(clips), tmp_path, seed=1)
    steps: list[Step] = []
    with steps_to(steps.append):
        tokenizer().train(speech_of(clips), tmp_path, seed=1)
    assert last not in steps and Step(last.phase, last.done + 1, last.of) in steps
    for file in folder.iterdir():
        assert file.read_bytes() == (tmp_path / file.name).read_bytes(), file.name


@pytest.mark.parametrize("kind", ["base", "stable", "wav2vec2"])
def test_a_given_checkpoint_is_cut_and_otherwise_unchanged(kind: str, clips: list[np.ndarray], tmp_path: Path) -> None:
    settings = small_hubert().to_dict() | {"do_stable_layer_norm": kind == "stable"}
    settings.pop("model_type")
    model, config = (Wav2Vec2Model, Wav2Vec2Config) if kind == "wav2vec2" else (HubertModel, HubertConfig)
    whole = model(config.from_dict(settings)).eval()
    whole.save_pretrained(tmp_path / "given")
    np.save(tmp_path / "km.npy", np.random.default_rng(0).standard_normal((8, 16)))
    units = tokenizer(model=str(tmp_path / "given"), codebook=str(tmp_path / "km.npy"))
    assert units.training_seconds == 0
    units.train([], tmp_path / "copy", seed=1)
    units.load(tmp_path / "copy")
    with torch.inference_mode():
        x = torch.from_numpy(units._ready()[1].pad(normalised(clips[0])))[None]
        wanted = whole(x, output_hidden_states=True).hidden_states[1][0].numpy()
    assert np.allclose(units.features([clips[0]])[0], wanted, atol=1e-6)
    assert load(tmp_path / "copy").facts["encoder"]["num_hidden_layers"] == 1


def test_a_given_checkpoint_without_a_codebook_learns_one(
    clips: list[np.ndarray], folder: Path, tmp_path: Path
) -> None:
    units = tokenizer(model=str(folder))
    units.train(speech_of(clips), tmp_path, seed=1)
    encoders = [{name: t.tolist() for name, t in load(one).part("encoder").items()} for one in (tmp_path, folder)]
    assert encoders[0] == encoders[1]
    assert units.encode(Speech(clips[0])).durations.sum() == units.frames(len(clips[0]))


def test_refuses_what_does_not_fit(clips: list[np.ndarray], folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no model here"):
        tokenizer().load(tmp_path)
    with pytest.raises(ValueError, match="set `rate` to 25"):
        tokenizer(rate=50).load(folder)
    with pytest.raises(ValueError, match=r"\[8, 16\] .*, but \[size, width\] is \[9, 16\]"):
        tokenizer(size=9).load(folder)
    tokenizer(layer=2).train(speech_of(clips), tmp_path / "two", seed=1)
    with pytest.raises(ValueError, match="`layer` is 1, it was trained with 2"):
        tokenizer().load(tmp_path / "two")
    with pytest.raises(ValueError, match="`device: cuda:77` is not here"):
        tokenizer(device="cuda:77").load(folder)
    with pytest.raises(ValueError, match="`layer` is 7"):
        tokenizer(layer=7).load(folder)
    with pytest.raises(ValueError, match="`normalise` is False, it was trained with True"):
        tokenizer(normalise=False).load(folder)
    with pytest.raises(ValidationError, match="cannot share"):
        HubertTraining(hidden=16, heads=3)
    for config in ("3", "null", "[]", "{}"):
        (tmp_path / "config.json").write_text(config)
        with pytest.raises(ValueError, match="no model here"):
            tokenizer().load(tmp_path)
    for key, value, message in (
        ("hidden_act", "x", "weights do not fit"),
        ("conv_kernel", [3], "weights do not fit"),
        ("hidden_size", 32, "weights do not fit"),
        ("model_type", "whisper", "a whisper model, none of hubert, mel-hubert, wav2vec2"),
        ("conv_dim", 3, "its config.json is no mel-hubert config .*expected a list, got int"),
    ):
        (tmp_path / "config.json").write_text(json.dumps(with_encoder_config(folder, key, value)))
        (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
        with pytest.raises(ValueError, match=message):
            tokenizer().load(tmp_path)


def with_encoder_config(folder: Path, key: str, value: object) -> dict[str, Any]:
    config = dict(json.loads((folder / "config.json").read_text()))
    config["learned"]["encoder"][key] = value
    return config


def test_refuses_a_checkpoint_of_another_kind(clips: list[np.ndarray], tmp_path: Path) -> None:
    for config, message in (
        ('{"model_type": "whisper"}', "whisper model, none of hubert"),
        ('{"no": 1}', "a nameless model"),
        ('{"model_type": []}', r"a \[\] model, none of hubert"),
        (
            '{"model_type": "hubert", "num_hidden_layers": "x"}',
            "its config.json is no hubert config .*expected int, got str",
        ),
        ('{"model_type": "wav2vec2", "dtype": "x"}', "its config.json is no wav2vec2 config"),
        ('{"model_type": "mel-hubert"}', "trained by an earlier version of weft, .*: train it again"),
    ):
        (tmp_path / "config.json").write_text(config)
        with pytest.raises(ValueError, match=message):
            tokenizer(model=str(tmp_path)).train(speech_of(clips), tmp_path / "out", seed=1)


def test_weights_that_only_training_needs_are_zero_where_a_checkpoint_lacks_them(tmp_path: Path) -> None:
    model = HubertModel(small_hubert())
    model.save_pretrained(tmp_path)
    weights = {k: v.numpy() for k, v in model.state_dict().items() if k != "masked_spec_embed"}
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    names = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        names.append(learned_of(load_encoder(str(tmp_path), 1)[0]).tensors["encoder.masked_spec_embed"].tolist())
    assert names[0] == names[1]


def test_refuses_a_checkpoint_with_weights_missing_or_none(clips: list[np.ndarray], tmp_path: Path) -> None:
    units = tokenizer(model=str(tmp_path / "given"))
    HubertModel(small_hubert()).save_pretrained(tmp_path / "given")
    weights = tmp_path / "given" / "model.safetensors"
    weights.unlink()
    with pytest.raises(ValueError, match="no weights"):
        units.train(speech_of(clips), tmp_path, seed=1)
    save_file({"encoder.nothing": np.zeros(3, np.float32)}, weights, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=f"^{tmp_path}/given: .* weights are missing"):
        units.train(speech_of(clips), tmp_path, seed=1)


def test_refuses_bad_settings_and_too_little_speech(clips: list[np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="25 or 50 Hz"):
        tokenizer(rate=12.5)
    with pytest.raises(ValueError, match=r"`training\.layers` is 2"):
        tokenizer(layer=3).train(speech_of(clips), tmp_path, seed=1)
    with pytest.raises(ValueError, match="as long as one frame"):
        tokenizer().train([Speech(np.zeros(100, np.float32))], tmp_path, seed=1)
    with pytest.raises(ValueError, match="too few"):
        tokenizer(size=4000).train(speech_of(clips), tmp_path, seed=1)
    with pytest.raises(RuntimeError, match="load"):
        tokenizer().encode(Speech(clips[0]))


def test_spans_hide_about_their_share() -> None:
    hidden = spans(np.random.default_rng(0), (50, 1000), 0.5, 5)
    assert 0.47 < hidden.mean() < 0.53
