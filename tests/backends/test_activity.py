"""Who speaks when: WhisperX's bundled voice activity detection, and a pyannote pipeline from local checkpoints."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.backends.conftest import DATA, RATE
from weft.pipelines.segmenters import pyannote, whisperx
from weft.pipelines.timings import rttm

pytestmark = pytest.mark.backends
MEETINGS = DATA / "ami_pyannote"


def frames(spans, seconds: float) -> np.ndarray:
    out = np.zeros(round(seconds * 100), bool)
    for start, end in spans:
        out[round(start * 100) : round(end * 100)] = True
    return out


@pytest.mark.skipif(not MEETINGS.exists(), reason="no meetings here (set WEFT_DATA)")
def test_whisperx_hears_who_speaks_in_meetings() -> None:
    segmenter = whisperx.Segmenter()
    segmenter.setup()
    wrong = spoken = 0
    for name, table in (
        ("tst00", "debug.test"),
        ("tst01", "debug.test"),
        ("dev00", "debug.development"),
        ("dev01", "debug.development"),
    ):
        samples, rate = soundfile.read(MEETINGS / f"{name}.wav", dtype="float32")
        assert rate == RATE
        lines = [
            line for line in (MEETINGS / f"{table}.rttm").read_bytes().splitlines() if f" {name} ".encode() in line
        ]
        truth = [(s.start, s.end) for s in rttm.read(b"\n".join(lines)).supervisions]
        want = frames(truth, len(samples) / RATE)
        have = frames([(p.start, p.end) for p in segmenter.speech([samples])], len(samples) / RATE)
        wrong += (want != have).sum()
        spoken += want.sum()
    assert wrong / spoken < 0.15


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline's folder: WhisperX's real segmentation weights, a small embedding with random ones, a PLDA that changes nothing."""
    import torch
    import whisperx as package
    import yaml
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.embedding import XVectorMFCC

    folder = tmp_path_factory.mktemp("pyannote")
    torch.manual_seed(0)
    model = XVectorMFCC()
    model.specifications = Specifications(problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=5.0)
    model.build()
    checkpoint = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "pytorch-lightning_version": "2.0.0",
        "pyannote.audio": {
            "versions": {"torch": torch.__version__, "pyannote.audio": "4.0.7"},
            "architecture": {"module": type(model).__module__, "class": type(model).__name__},
            "specifications": model.specifications,
        },
    }
    torch.save(checkpoint, folder / "embedding.ckpt")
    _plda(folder / "plda", 512)
    params = {
        "segmentation": str(Path(package.__file__).parent / "assets" / "pytorch_model.bin"),
        "embedding": str(folder / "embedding.ckpt"), "plda": str(folder / "plda"), "clustering": "AgglomerativeClustering",
    }  # fmt: skip
    config = {
        "pipeline": {"name": "pyannote.audio.pipelines.SpeakerDiarization", "params": params},
        "params": {
            "segmentation": {"threshold": 0.5, "min_duration_off": 0.0},
            "clustering": {"method": "centroid", "min_cluster_size": 2, "threshold": 0.7},
        },
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def _plda(folder: Path, width: int) -> None:
    folder.mkdir()
    eye = np.eye(128)
    np.savez(folder / "xvec_transform.npz", mean1=np.zeros(width), mean2=np.zeros(128), lda=np.eye(width, 128))
    np.savez(folder / "plda.npz", mu=np.zeros(128), tr=eye, psi=np.linspace(2, 1, 128))


@pytest.mark.skipif(not MEETINGS.exists(), reason="no meetings here (set WEFT_DATA)")
def test_a_pyannote_pipeline_from_local_checkpoints(pipeline: Path) -> None:
    segmenter = pyannote.Segmenter(pipeline=str(pipeline))
    segmenter.setup()
    samples, _ = soundfile.read(MEETINGS / "tst00.wav", dtype="float32")
    pieces = segmenter.speech([samples[: 10 * RATE], samples[10 * RATE :]])
    assert len(pieces) > 1
    assert all(p.speaker for p in pieces)
    assert all(0 <= p.start < p.end <= len(samples) / RATE + 1 for p in pieces)
    assert all(a.end <= b.start + 1e-6 for a, b in pairwise(pieces))  # each moment is one speaker's
    assert any(p.overlap > 0 for p in pieces)
    assert segmenter.version().startswith("pyannote.audio-4.")


def test_a_pipeline_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing: no such file or folder"):
        pyannote.Segmenter(pipeline=str(tmp_path / "nothing")).setup()
