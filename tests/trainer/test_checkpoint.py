"""A checkpoint stands whole or is not there, and goes on only in the run it is of."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from torch.optim import AdamW

from weft.schemas.training import ModelSettings
from weft.trainer import checkpoint
from weft.trainer.checkpoint import RunOrigin, State
from weft.trainer.model import build, load
from weft.trainer.models.adaptor import Adaptor
from weft.trainer.models.network import Network
from weft.trainer.stream import StreamState

ORIGIN = RunOrigin(
    vocabulary="voc", index="index", seed=0, settings={"context": 16, "optimiser": {"lr": 0.1, "betas": [0.9, 0.95]}}
)


@pytest.fixture
def trained(llama: dict[str, object]) -> tuple[Network, AdamW]:
    network = Network(build(ModelSettings(config=llama), 48, 0))
    optimiser = AdamW(network.parameters(), lr=1e-2)
    for _ in range(2):
        network.lm(input_ids=torch.arange(8)[None]).logits.square().mean().backward()
        optimiser.step()
    return network, optimiser


def test_weights_and_moments_come_back_exactly(trained: tuple[Network, AdamW], tmp_path: Path) -> None:
    model, optimiser = trained
    folder = checkpoint.save(tmp_path, model, optimiser, State(StreamState(9, 16, 2), ORIGIN), "recipe: text\n")
    assert folder == checkpoint.latest(tmp_path) == tmp_path / "checkpoints" / "step-000002"
    again = Network(load(str(folder)))
    fresh = AdamW(again.parameters(), lr=1e-2)
    checkpoint.restore_optimiser(folder, again, fresh)
    for (name, one), (_, other) in zip(model.named_parameters(), again.named_parameters(), strict=True):
        assert torch.equal(one, other), name
        for moment, tensor in optimiser.state[one].items():
            assert torch.equal(tensor, fresh.state[other][moment]), (name, moment)
    assert checkpoint.read_state(folder, ORIGIN) == State(StreamState(9, 16, 2), ORIGIN)
    assert (folder / "recipe.yaml").read_text() == "recipe: text\n"
    assert not [p for p in folder.iterdir() if p.suffix in (".bin", ".pt", ".pth", ".pkl")]


def test_another_adaptor_is_another_start(llama: dict[str, object], tmp_path: Path) -> None:
    """Where the adaptor alone is trained, the LM of two runs is the same to the bit."""
    prints = []
    for number in (0, 0, 1):
        torch.manual_seed(number)
        adaptor = Adaptor(width=4, embedding=32)
        network = Network(build(ModelSettings(config=llama), 48, 0), adaptor=adaptor)
        run = tmp_path / f"run-{len(prints)}"
        folder = checkpoint.save(run, network, AdamW(network.parameters()), State(StreamState(step=1), ORIGIN), "")
        prints.append(checkpoint.weights_fingerprint(folder))
    assert prints[0] == prints[1] != prints[2]


def test_the_latest_is_the_highest_whole_step(tmp_path: Path) -> None:
    assert checkpoint.latest(tmp_path) is None
    for name in ("step-000100", "step-000020", "step-1000000", ".step-9000000.tmp-ab12", "notes"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    latest = checkpoint.latest(tmp_path)
    assert latest is not None
    assert latest.name == "step-1000000"


def test_a_half_written_checkpoint_is_never_resumed(
    trained: tuple[Network, AdamW], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, optimiser = trained
    with monkeypatch.context() as patch:  # as a kill leaves it
        patch.setattr(checkpoint.os, "rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr(checkpoint.shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            checkpoint.save(tmp_path, model, optimiser, State(StreamState(9, 0, 2), ORIGIN), "")
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1
    assert checkpoint.latest(tmp_path) is None
    checkpoint.save(tmp_path, model, optimiser, State(StreamState(12, 0, 3), ORIGIN), "")
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["step-000003"], "what was left is swept away"


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), SafetensorError("No space left on device (os error 28)")])
def test_a_write_that_fails_leaves_nothing_on_a_full_disk(
    trained: tuple[Network, AdamW], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupt: BaseException
) -> None:
    def full(*_: object) -> None:
        raise interrupt

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(type(interrupt)) as fault:
        checkpoint.save(tmp_path, *trained, State(StreamState(9, 0, 2), ORIGIN), "")
    assert not list((tmp_path / "checkpoints").iterdir())
    if isinstance(interrupt, SafetensorError):
        assert fault.value.__notes__ == [
            f"{tmp_path}/checkpoints/step-000002 was not written; what was saved before is kept, and `weft train --resume` goes on "
            "from there"
        ]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (replace(ORIGIN, vocabulary="x"), "vocabulary was voc, is now x"),
        (replace(ORIGIN, index="x"), "index was index, is now x"),
        (replace(ORIGIN, seed=1), "seed was 0, is now 1"),
        (
            replace(ORIGIN, settings={"context": 16, "optimiser": {"lr": 0.2, "betas": [0.9, 0.95]}}),
            "optimiser.lr was 0.1",
        ),
    ],
)
def test_another_run_is_refused(trained: tuple[Network, AdamW], tmp_path: Path, other: RunOrigin, message: str) -> None:
    folder = checkpoint.save(tmp_path, *trained, State(StreamState(9, 0, 2), ORIGIN), "")
    with pytest.raises(ValueError, match=message):
        checkpoint.read_state(folder, other)


FILES = ("model.safetensors", "config.json", "optimiser.safetensors", "state.json", "recipe.yaml", "sums.json")


@pytest.fixture
def two(trained: tuple[Network, AdamW], tmp_path: Path) -> Path:
    """The later of two checkpoints."""
    checkpoint.save(tmp_path, *trained, State(StreamState(9, 0, 2), ORIGIN), "a: 1\n")
    return checkpoint.save(tmp_path, *trained, State(StreamState(12, 0, 3), ORIGIN), "a: 1\n")


def test_every_file_has_a_sum(two: Path) -> None:
    assert {p.name for p in two.iterdir()} >= set(FILES)
    assert set(json.loads((two / "sums.json").read_text())) == {p.name for p in two.iterdir()} - {"sums.json"}
    (two / ".DS_Store").write_bytes(b"left by a desktop")
    checkpoint.verify(two)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_file_is_named_with_the_checkpoint_before(two: Path, name: str, damage: str) -> None:
    data = bytearray((two / name).read_bytes())
    data[len(data) // 2] ^= 1
    (two / name).unlink()
    if damage != "remove":
        (two / name).write_bytes(data if damage == "flip" else data[:-3])
    what = ".*" if (name, damage) == ("sums.json", "flip") else name
    with pytest.raises(
        ValueError,
        match=f"step-000003 is damaged: {what}.*--stage .*--resume` sets it aside and goes on from step-000002",
    ):
        checkpoint.read_state(two, ORIGIN)


def test_a_file_that_was_not_written_with_it_is_named(two: Path) -> None:
    (two / "adapter_config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"adapter_config\.json does not belong to it"):
        checkpoint.read_state(two, ORIGIN)


def test_without_an_earlier_checkpoint_the_stage_begins_anew(trained: tuple[Network, AdamW], tmp_path: Path) -> None:
    folder = checkpoint.save(tmp_path, *trained, State(StreamState(9, 0, 2), ORIGIN), "")
    (folder / "optimiser.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match=rf"remove {folder.parent}, and `weft train --stage {tmp_path.name} --resume`"):
        checkpoint.read_state(folder, ORIGIN)


def test_the_sums_are_written_last(
    trained: tuple[Network, AdamW], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint that gets its name has its sums."""
    seen: list[bool] = []
    rename = checkpoint.os.rename
    monkeypatch.setattr(
        checkpoint.os, "rename", lambda a, b: (seen.append(checkpoint.sums.fault(a) == ""), rename(a, b))
    )
    checkpoint.save(tmp_path, *trained, State(StreamState(9, 0, 2), ORIGIN), "")
    assert seen == [True]


def test_a_state_of_another_version_is_one_sentence(two: Path) -> None:
    (two / "state.json").write_text('{"stream": {"draw": 1, "elsewhere": 2}}')
    checkpoint.sums.write(two)
    with pytest.raises(
        ValueError,
        match=r"state\.json was written by another version of weft; to train .*remove \S+/checkpoints and run",
    ):
        checkpoint.read_state(two, ORIGIN)


def test_moments_of_another_model_are_refused(
    trained: tuple[Network, AdamW], tmp_path: Path, llama: dict[str, object]
) -> None:
    folder = checkpoint.save(tmp_path, *trained, State(StreamState(9, 0, 2), ORIGIN), "")
    small = Network(build(ModelSettings(config={**llama, "num_hidden_layers": 1}), 48, 0))
    with pytest.raises(ValueError, match="which the network lacks"):
        checkpoint.restore_optimiser(folder, small, AdamW(small.parameters()))
