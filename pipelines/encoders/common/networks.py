"""Networks of Whisper's family out of a checkpoint: only the encoder's weights are read, from safetensors, and no code.

network = load_network("checkpoints/qwen2-audio-7b", module, device="cuda", dtype="bfloat16")
network.encode(mels, attended=[1250, 730])                   (2, 128, 3000) -> (2, 750, 1280)

`module(settings, tensors)` makes the class of transformers.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, StrictDataclassError
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor
from transformers import PreTrainedModel, WhisperFeatureExtractor

from weft.schemas.hub import is_hub_name, loadable
from weft.schemas.small_json import read_json
from weft.tokenizers.models.checkpoint import full_float32, quiet, to_device
from weft.tokenizers.models.learned import first_line

Tensors = Mapping[str, Tensor]
_FIRST = "conv1.weight"  # what stands before it in a checkpoint of more than an encoder is the encoder's own prefix
_FILES = ("config.json", "*.safetensors", "*.safetensors.index.json")
# what configs raise for values that they cannot have
_ODD = StrictDataclassError, ValueError, TypeError, KeyError, AttributeError, RuntimeError


@dataclass(frozen=True)
class MelNetwork:
    """A frozen encoder. It takes `bands` log-mels and `window` frames of them at once; `checksum` is that of its weights as loaded."""

    module: PreTrainedModel
    bands: int
    window: int
    checksum: str

    def encode(self, mels: NDArray[np.float32], attended: Sequence[int] | None = None) -> NDArray[np.float32]:
        """States (B, T, width) float32 of log-mels (B, bands, window); attention sees the first `attended` states of each, or all."""
        values_BMW = torch.from_numpy(mels).to(device=self.module.device, dtype=self.module.dtype)
        mask = None if attended is None else self._mask(attended)
        with torch.inference_mode(), full_float32(), torch.autocast(values_BMW.device.type, enabled=False):
            states_BTE: Tensor = self.module(values_BMW, attention_mask=mask).last_hidden_state
        return np.asarray(states_BTE.float().cpu().numpy())

    def _mask(self, attended: Sequence[int]) -> Tensor:
        """(B, 1, T, T) bool, True where a state may see another."""
        count = self.window // 2
        seen_BT = torch.arange(count)[None] < torch.tensor(attended)[:, None]
        return seen_BT[:, None, None].expand(-1, 1, count, -1).to(self.module.device)


def load_network(
    name: str, module: Callable[[dict[str, Any], Tensors], PreTrainedModel], device: str, dtype: str
) -> MelNetwork:
    """The encoder of a checkpoint in torch's `dtype`. Raises ValueError where it is not there, not whole, or of another kind."""
    folder = _folder(name)
    settings = read_json(folder / "config.json") if (folder / "config.json").is_file() else {}
    own = getattr(torch, dtype)
    tensors = _tensors(folder, name, own)
    try:
        network = module(settings, tensors)
    except _ODD as fault:
        raise ValueError(f"{name}: no such encoder ({' '.join(str(fault).split())[:300]})") from None
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    to_device(network.eval().requires_grad_(False), chosen, own)
    return MelNetwork(
        module=network,
        bands=network.config.num_mel_bins,
        window=2 * network.config.max_source_positions,
        checksum=_checksum(tensors),
    )


def _checksum(tensors: Tensors) -> str:
    summed = blake2b(digest_size=16)
    for name in sorted(tensors):
        summed.update(name.encode())
        summed.update(tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy().data)  # numpy has no bfloat16
    return summed.hexdigest()


def filled(kind: Any, config: Any, tensors: Tensors) -> Any:
    """A model of transformers with these weights and no others. Raises RuntimeError where they are not its own."""
    with torch.device("meta"):
        module = kind._from_config(config, attn_implementation="sdpa")
    module.load_state_dict(dict(tensors), assign=True)
    return module


def log_mels(samples: NDArray[np.float32], bands: int) -> NDArray[np.float32]:
    """Whisper's log-mels (bands, n // 160) float32 of samples (n,) at 16 kHz."""
    features = _extractor(bands)(
        samples, sampling_rate=16_000, padding="do_not_pad", truncation=False, return_tensors="np"
    )
    return np.asarray(features["input_features"][0], np.float32)


@cache
def _extractor(bands: int) -> WhisperFeatureExtractor:
    return WhisperFeatureExtractor(feature_size=bands)


def _folder(name: str) -> Path:
    """Raises ValueError."""
    if not is_hub_name(name):
        return Path(loadable(name))
    try:
        with quiet():
            return Path(snapshot_download(loadable(name), allow_patterns=list(_FILES)))
    except (OSError, ValueError, HfHubHTTPError) as fault:
        raise ValueError(f"{name}: no encoder here, nor on the hub ({first_line(fault)})") from None


def _tensors(folder: Path, name: str, dtype: torch.dtype) -> dict[str, Tensor]:
    """The encoder's own weights in `dtype`, named as within it. Raises ValueError for a folder without safetensors of one."""
    with ExitStack() as stack:
        try:
            files = [stack.enter_context(safe_open(file, "pt")) for file in sorted(folder.glob("*.safetensors"))]
            places = {key: file for file in files for key in file.keys()}  # noqa: SIM118 - it is no mapping
            first = [key for key in places if key.endswith(_FIRST)]
            if len(first) != 1:
                raise ValueError(
                    f"{name}: its *.safetensors hold {len(first)} audio encoders of Whisper's family, not one; no other files are read"
                )
            prefix = first[0].removesuffix(_FIRST)
            own = [key for key in places if key.startswith(prefix)]
            return {key.removeprefix(prefix): places[key].get_tensor(key).to(dtype) for key in own}
        except (SafetensorError, OSError) as fault:
            raise ValueError(f"{name}: its safetensors cannot be read ({first_line(fault)})") from None
