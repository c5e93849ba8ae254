"""Runs S3Tokenizer as a child process: concatenated rows of samples -> {"codes": [[4218, …], …]}."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import s3tokenizer
import torch
from s3tokenizer.model import ModelConfig as ConfigV1
from s3tokenizer.model import S3Tokenizer
from s3tokenizer.model_v2 import ModelConfig as ConfigV2
from s3tokenizer.model_v2 import S3TokenizerV2
from safetensors.torch import load_file
from serving import serve


def load(settings: dict[str, Any]) -> Callable[[dict[str, Any], np.ndarray], dict[str, Any]]:
    model = _model(settings["kind"], settings["model"]).eval().to(settings["device"])

    def answer(question: dict[str, Any], samples: np.ndarray) -> dict[str, Any]:
        rows = torch.from_numpy(samples.copy()).split(question["lengths"])
        mels, lengths = s3tokenizer.padding([s3tokenizer.log_mel_spectrogram(row, model.config.n_mels) for row in rows])
        codes, counts = model.quantize(mels.to(settings["device"]), lengths.to(settings["device"]))
        return {"codes": [row[:count].tolist() for row, count in zip(codes.cpu(), counts.tolist(), strict=True)]}

    return answer


def _model(kind: str, path: str) -> Any:
    """A folder with `config.json` and `model.safetensors`; a published ONNX file; or "" for the package's own download."""
    if not path:
        return s3tokenizer.load_model(kind)
    folder = Path(path)
    sizes = json.loads((folder / "config.json").read_text()) if folder.is_dir() else {}
    model = S3TokenizerV2(kind, ConfigV2(**sizes)) if "v2" in kind else S3Tokenizer(kind, ConfigV1(**sizes))
    if folder.is_dir():
        model.load_state_dict(load_file(folder / "model.safetensors"))
    else:
        model.init_from_onnx(path)
    return model


if __name__ == "__main__":
    serve(load)
