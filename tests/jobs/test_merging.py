"""`weft merge` takes stages and checkpoints with weights, and says in one sentence what is none."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.optim import AdamW

from weft.schemas.training import ModelSettings
from weft.trainer import checkpoint, runs
from weft.trainer.model import build
from weft.trainer.models.network import Network
from weft.trainer.stream import StreamState

Weft = Callable[..., tuple[int, str, str]]
LLAMA = {
    "model_type": "llama",
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for seed, name in enumerate(("sft", "dpo")):
        network = Network(build(ModelSettings(config=LLAMA), 48, seed))
        origin = checkpoint.RunOrigin(vocabulary="voc", index="index", seed=seed, settings={})
        state = checkpoint.State(stream=StreamState(step=3), origin=origin)
        runs.end(tmp_path / name, checkpoint.save(tmp_path / name, network, AdamW(network.parameters()), state, ""))
    return tmp_path


def test_stages_and_checkpoints_are_merged(run: Path, weft: Weft) -> None:
    checkpoints = [run / name / "checkpoints/step-000003" for name in ("sft", "dpo")]
    code, out, _ = weft("merge", f"{run / 'sft'}=3", f"{checkpoints[1]}=1", "--out", run / "final")
    assert code == 0 and "75.00%" in out and "25.00%" in out
    one, other, merged = (load_file(folder / "model.safetensors") for folder in (*checkpoints, run / "final"))
    assert all(torch.allclose(merged[name], 0.75 * one[name] + 0.25 * other[name], atol=1e-7) for name in merged)


def test_a_stage_that_was_not_trained_to_its_end_is_no_part(run: Path, weft: Weft) -> None:
    (run / "sft/ended.json").unlink()
    code, _, wrong = weft("merge", f"{run / 'sft'}=5", f"{run / 'dpo'}=1", "--out", run / "final")
    said = " ".join(wrong.split())
    assert code == 2 and f"{run / 'sft'} was not trained to its end" in said and "--stage sft --resume" in said
    assert f"or name one of its checkpoints: {run / 'sft/checkpoints/step-000003'}" in said


@pytest.mark.parametrize("named", ["dpo", "dpo/checkpoints/step-000003"])
def test_a_damaged_part_is_told_with_its_remedy(run: Path, weft: Weft, named: str) -> None:
    (run / "dpo/checkpoints/step-000003/model.safetensors").write_bytes(b"x")
    code, _, wrong = weft("merge", f"{run / 'sft'}=5", f"{run / named}=1", "--out", run / "final")
    said = " ".join(wrong.split())
    assert code == 1 and "step-000003 is damaged: model.safetensors has changed; remove " in said, said
    assert "`weft train --stage dpo --resume` trains that stage anew" in said and not (run / "final").exists()


def test_a_damaged_merge_as_a_part_is_told_with_its_remedy(run: Path, weft: Weft) -> None:
    weft("merge", f"{run / 'sft'}=5", f"{run / 'dpo'}=1", "--out", run / "final")
    (run / "final/config.json").write_text("{}")
    code, _, wrong = weft("merge", f"{run / 'sft'}=5", f"{run / 'final'}=1", "--out", run / "further")
    assert code == 1 and "final is damaged: config.json has changed; remove it" in " ".join(wrong.split()), wrong


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (["sft=1"], "name at least two checkpoints"),
        (["sft=1", "dpo"], "write each checkpoint with its weight above 0"),
        (["sft=1", "dpo=0"], "write each checkpoint with its weight above 0"),
        (["sft=1", "dpo=nan"], "write each checkpoint with its weight above 0"),
        (["sft=1", "dpp=1"], "dpp holds no checkpoint"),
        (["sft=1", "dpo=1", "sft=3"], "sft is named twice"),
        (["sft=1", "dpo=1", "../RUN/sft/checkpoints/step-000003=3"], "sft/checkpoints/step-000003 is named twice"),
    ],
)
def test_what_cannot_be_merged(run: Path, weft: Weft, parts: list[str], sentence: str) -> None:
    named = (f"{run}/{part.replace('RUN', run.name)}" for part in parts)
    code, _, wrong = weft("merge", *named, "--out", run / "final")
    assert code == 2 and sentence in " ".join(wrong.split()) and not (run / "final").exists()
