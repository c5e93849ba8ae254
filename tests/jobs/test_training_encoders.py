"""A model that listens through an encoder by checkpoint: built without it, trained with it, stopped and resumed."""

import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.jobs.planting import run
from tests.pipelines.encoders.common import checkpoints
from weft.pipelines.encoders.common.mel_encoder import MelEncoder
from weft.trainer import checkpoint
from weft.trainer.runs import start_of

RECIPE = """
name: listening
sources: {speech: {use: folder, path: RAW}}
segment: {longest: 5}
align: {use: none}
text: {use: bpe, size: 300}
encoder: {use: KIND, checkpoint: not/here, device: cpu}
templates: {chat: {open: bot, close: eot}}
vocabulary:
  tokens:
    - {marker: bot, literal: "<|BOT|>"}
    - {marker: eot, literal: "<|EOT|>"}
    - {marker: audio-start, literal: "<audio_start>", modality: audio}
    - {marker: audio-patch, literal: "<audio_patch>", modality: audio}
    - {marker: audio-end, literal: "<audio_end>", modality: audio}
tasks:
  asr: {use: turns, sources: [speech], template: chat, turns: [{role: human, say: audio}, {role: assistant, say: text}]}
training:
  listen:
    mixture: {unit: samples, total: 12, shares: {asr: 1}, exhausted: repeat, passes: 9}
    context: 64
    model: {config: {model_type: llama, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 2}}
    optimiser: {lr: 1.0e-3, batch_tokens: 128}
    trainable: {adaptor: 1.0e-2, lm: 1.0e-3}
    checkpoint_every: 2
"""
Weft = Callable[..., tuple[int, str, str]]
MAKE: dict[str, Callable[[Path], Any]] = {
    "whisper": checkpoints.whisper,
    "qwen2_audio": checkpoints.qwen2_audio,
    "step_audio": checkpoints.step_audio,
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, material: Path) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("listening")
    (root / "raw").mkdir()
    for number in range(3):
        for kind in ("flac", "txt"):
            shutil.copy(material / "raw" / f"{number:02d}.{kind}", root / "raw")

    def build(kind: str) -> Path:
        folder = root / kind
        if not folder.exists():
            folder.mkdir()
            (folder / "recipe.yaml").write_text(RECIPE.replace("RAW", str(root / "raw")).replace("KIND", kind))
            run(folder / "recipe.yaml", folder / "corpus")
            MAKE[kind](folder / "checkpoint")
        return folder

    return build


@pytest.mark.parametrize("kind", MAKE)
def test_it_is_trained_stopped_and_resumed(
    built: Callable[[str], Path], weft: Weft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    folder = built(kind)

    def train(name: str, *more: object) -> tuple[int, str, str]:
        return weft("train", folder / "recipe.yaml", f"encoder.checkpoint={folder / 'checkpoint'}", "--corpus", folder / "corpus",
                    "--out", tmp_path / name, *more)  # fmt: skip

    inputs, threads = MelEncoder.inputs, []

    def noted(encoder: MelEncoder, samples: Any) -> Any:
        threads.append(threading.current_thread().name.split("_")[0])
        return inputs(encoder, samples)

    with monkeypatch.context() as patched:
        patched.setattr(MelEncoder, "inputs", noted)
        code, out, errors = train("whole")
    assert code == 0, out + errors
    assert (threads.count("MainThread"), threads.count("ahead")) == (1, 12)  # the first for the width of the frames
    save = checkpoint.save

    def killed(*arguments: Any, **named: Any) -> Path:
        save(*arguments, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("weft.trainer.checkpoint.save", killed)
        assert train("stopped")[0] != 0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
    reading = checkpoints.read_weights(folder / "checkpoint")
    checkpoints.write_weights(folder / "checkpoint", {name: 2 * tensor for name, tensor in reading.items()})
    code, _, errors = train("stopped", "--resume")
    assert code == 2 and "belongs to a run of other data or settings: encoders.audio was" in " ".join(errors.split())
    checkpoints.write_weights(folder / "checkpoint", reading)
    assert train("stopped", "--resume")[0] == 0
    for file in ("adaptor.safetensors", "model.safetensors"):
        whole, resumed = (load_file(start_of(tmp_path / name, "listen") / file) for name in ("whole", "stopped"))
        assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert (
        load_file(start_of(tmp_path / "whole", "listen") / "adaptor.safetensors")["convolution.weight"].shape[1] == 16
    )


@pytest.mark.parametrize(
    ("overrides", "code", "sentence"),
    [
        (["encoder.checkpoint="], 2, "`encoder: {use: whisper}` counts placeholders: name its network with `checkpoint:`"),
        ([], 2, "not/here: no such file or folder"),
        (["encoder.use=qwen2_audio", "encoder.checkpoint=QWEN"], 2, '`encoder.use` was "whisper", is now "qwen2_audio"'),
    ],
)  # fmt: skip
def test_an_encoder_that_is_not_here_or_another_is_refused(
    built: Callable[[str], Path], weft: Weft, tmp_path: Path, overrides: list[str], code: int, sentence: str
) -> None:
    folder, other = built("whisper"), built("qwen2_audio") / "checkpoint"
    given = [override.replace("QWEN", str(other)) for override in overrides]
    ended, _, errors = weft(
        "train", folder / "recipe.yaml", *given, "--corpus", folder / "corpus", "--out", tmp_path / "run"
    )
    assert ended == code and sentence in " ".join(errors.split())
    assert "Traceback" not in errors and (tmp_path / "run").exists() == (code == 1)


def test_the_page_generates_from_a_recording(
    built: Callable[[str], Path],
    weft: Weft,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The example of docs/latents.md, with a model that has learnt one answer by heart."""
    folder = built("whisper")
    code, out, errors = weft("train", folder / "recipe.yaml", f"encoder.checkpoint={folder / 'checkpoint'}",
                             "training.listen.optimiser={lr: 1.0e-2, batch_tokens: 64}", "training.listen.trainable={}",
                             "--corpus", folder / "corpus", "--out", tmp_path / "run")  # fmt: skip
    assert code == 0, out + errors
    page = (Path(__file__).parents[2] / "docs/latents.md").read_text("utf-8")
    (example,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "load_adaptor" in block)
    given = (start_of(tmp_path / "run", "listen"), folder / "checkpoint", folder.parent / "raw/00.flac")
    monkeypatch.setattr("sys.argv", ["page.py", *map(str, given)])
    capsys.readouterr()
    exec(compile(example, "docs/latents.md", "exec"), {})
    assert capsys.readouterr().out.strip()
