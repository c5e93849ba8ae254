"""CosyVoice's tokenizers, small and of random weights: their codes mean nothing, how many there are is real."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from weft.tokenizers.s3 import Tokenizer
from weft.tokenizers.stream import Speech, Stream

pytestmark = pytest.mark.backends
RATE = 16_000
SIZES = {"n_audio_state": 128, "n_audio_head": 2, "n_audio_layer": 2}


def checkpoint(folder: Path, kind: str) -> Path:
    import torch
    from s3tokenizer.model import ModelConfig as ConfigV1
    from s3tokenizer.model import S3Tokenizer
    from s3tokenizer.model_v2 import ModelConfig as ConfigV2
    from s3tokenizer.model_v2 import S3TokenizerV2
    from safetensors.torch import save_file

    torch.manual_seed(5)
    made = S3TokenizerV2(kind, ConfigV2(**SIZES)) if "v2" in kind else S3Tokenizer(kind, ConfigV1(n_mels=80, **SIZES))
    _spread(made)
    folder.mkdir()
    sizes = SIZES if "v2" in kind else {"n_mels": 80, **SIZES}
    (folder / "config.json").write_text(json.dumps(sizes))
    save_file({name: tensor.contiguous() for name, tensor in made.state_dict().items()}, folder / "model.safetensors")
    return folder


def _spread(made: Any) -> None:
    """Random weights say nearly the same of everything: centres what is quantized on that, so that many codes are in use."""
    import torch
    from s3tokenizer.utils import log_mel_spectrogram

    mels = log_mel_spectrogram(torch.from_numpy(speech(20).samples), made.config.n_mels)[None]
    with torch.no_grad():
        states = made.encoder(mels, torch.tensor([mels.shape[2]]))[0][0]
        codebook = made.quantizer._codebook
        if hasattr(codebook, "project_down"):
            codebook.project_down.weight /= states.std(0)
            codebook.project_down.bias.copy_(-codebook.project_down.weight @ states.mean(0))
        else:
            drawn = states[torch.arange(len(codebook.embed)) % len(states)]
            codebook.embed.copy_(torch.nn.functional.normalize(drawn, dim=-1))


def speech(seconds: float) -> Speech:
    rng = np.random.default_rng(round(seconds * 10))
    return Speech(rng.normal(0, 0.1, round(seconds * RATE)).astype(np.float32))


@pytest.fixture(scope="module", params=["speech_tokenizer_v2_25hz", "speech_tokenizer_v1_25hz"])
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    kind = request.param
    folder = checkpoint(tmp_path_factory.mktemp("s3") / kind, kind)
    made = Tokenizer(kind=kind, size=6561 if "v2" in kind else 4096, model=str(folder))
    made.train([], folder / "trained", seed=1)
    made.load(folder / "trained")
    return made


@pytest.mark.parametrize(("seconds", "codes"), [(1, 25), (29.9, 748), (30, 750), (30.1, 753), (95, 2375)])
def test_no_code_is_lost_whatever_the_length(tokenizer: Tokenizer, seconds: float, codes: int) -> None:
    stream = tokenizer.encode(speech(seconds))
    assert len(stream.ids) == codes
    assert stream.ids.min() >= 0 and stream.ids.max() < tokenizer.size
    assert stream.durations.sum() == tokenizer.frames(round(seconds * RATE))


def test_together_is_as_alone(tokenizer: Tokenizer) -> None:
    given = [speech(s) for s in (3.0, 2.99, 7.0, 3.0, 31.0)]
    for one, together in zip(given, tokenizer.encode_all(given), strict=True):
        assert isinstance(together, Stream)
        assert len(set(together.ids.tolist())) > 20
        assert np.array_equal(tokenizer.encode(one).ids, together.ids)


def test_it_is_named_by_its_content(tokenizer: Tokenizer) -> None:
    assert tokenizer.version() == f"s3tokenizer-0.3.0 {tokenizer.checksum}"
    assert len(tokenizer.checksum) == 16


def test_a_model_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nothing\.onnx: no such file or folder"):
        Tokenizer(model=str(tmp_path / "nothing.onnx")).load(tmp_path)
