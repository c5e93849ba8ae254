"""The network of a stage: a causal LM, and an adaptor where it listens or looks, whose vectors stand at the placeholders. A reward
model has a score of its own, and PPO a critic.

    network = Network(lm=build(settings, size=2112, seed=0), adaptor=Adaptor(width=96, embedding=128))
    network(ids_BT, positions_BT, documents_BT, keep_K, latents)      logits (B, K, V)

A folder of it is a transformers checkpoint of the LM, with `adaptor.safetensors` and `image_adaptor.safetensors` beside its files, and
`score.safetensors` and `critic.safetensors` where it has those.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from weft.schemas.vocabulary import Modality
from weft.tokenizers.models.checkpoint import quiet
from weft.trainer.attention import packed_mask
from weft.trainer.model import forward
from weft.trainer.models.adaptor import Adaptor
from weft.trainer.models.heads import Critic, ScoreHead
from weft.trainer.models.reading import check_finite_weights, load

_PARTS: dict[Modality, str] = {"audio": "adaptor", "image": "image_adaptor"}
SCORE, CRITIC = "score", "critic"


@dataclass(frozen=True)
class Latent:
    """A stretch of placeholders and the encoder's frames (F, W) for it.

    The placeholders stand at `at_L` (int64) of the flattened rows, for the adaptor's vectors from the `first` on: a row may hold only a
    part of a stretch of `whole` placeholders.
    """

    modality: Modality
    frames_FW: Tensor
    at_L: Tensor
    first: int
    whole: int


class Network(nn.Module):
    """The adaptors are None where the stage has no such encoder, the heads where its objective needs none."""

    def __init__(
        self, lm: PreTrainedModel, adaptor: Adaptor | None = None, image_adaptor: Adaptor | None = None
    ) -> None:
        super().__init__()
        self.lm, self.adaptor, self.image_adaptor = lm, adaptor, image_adaptor
        self.score: ScoreHead | None = None
        self.critic: Critic | None = None

    @property
    def device(self) -> torch.device:
        return self.lm.device

    @property
    def width(self) -> int:
        """That of the embeddings."""
        weight = self.lm.get_input_embeddings().weight
        assert isinstance(weight, Tensor)
        return weight.shape[1]

    def forward(
        self, ids_BT: Tensor, positions_BT: Tensor, documents_BT: Tensor, keep_K: Tensor, latents: Sequence[Latent] = ()
    ) -> Tensor:
        """Logits (B, K, V) of packed blocks at the positions `keep_K`, int64 indices into T. A document sees itself alone."""
        if not latents:
            return forward(self.lm, ids_BT, positions_BT, documents_BT=documents_BT, keep_K=keep_K)
        return self.lm(
            inputs_embeds=self.embedded(ids_BT, latents), position_ids=positions_BT, attention_mask=packed_mask(self.lm, documents_BT),
            logits_to_keep=keep_K, use_cache=False,
        ).logits  # fmt: skip

    def states(
        self, ids_BT: Tensor, positions_BT: Tensor, documents_BT: Tensor, latents: Sequence[Latent] = ()
    ) -> Tensor:
        """The states (B, T, E) of the LM's last layer, before its head."""
        states_BTE: Tensor = self.lm.base_model(
            inputs_embeds=self.embedded(ids_BT, latents), position_ids=positions_BT, attention_mask=packed_mask(self.lm, documents_BT),
            use_cache=False,
        ).last_hidden_state  # fmt: skip
        return states_BTE

    def embedded(self, ids_BT: Tensor, latents: Sequence[Latent]) -> Tensor:
        """Embeddings (B, T, E), with the vectors of latent audio and images at their placeholders.

        Raises ValueError for frames that give another number of vectors than there are placeholders.
        """
        states_BTE: Tensor = self.lm.get_input_embeddings()(ids_BT)
        if not latents:
            return states_BTE
        vectors_LE = torch.cat([self._vectors(latent) for latent in latents]).to(states_BTE.dtype)
        at_L = torch.cat([latent.at_L for latent in latents])
        return states_BTE.flatten(0, 1).index_copy(0, at_L, vectors_LE).view_as(states_BTE)

    def _vectors(self, latent: Latent) -> Tensor:
        adaptor = getattr(self, _PARTS[latent.modality])
        if adaptor is None:
            raise ValueError(f"the samples have latent {latent.modality}, and this network has no encoder for it")
        vectors_LE: Tensor = adaptor(latent.frames_FW)
        if len(vectors_LE) != latent.whole:
            raise ValueError(
                f"the {latent.modality} encoder gives {len(vectors_LE)} vectors where {latent.whole} placeholders stand: "
                "the corpus was built with another encoder"
            )
        return vectors_LE[latent.first : latent.first + len(latent.at_L)]

    def save(self, folder: Path) -> None:
        """Writes the LM as transformers does, and each adaptor and head."""
        with quiet():
            self.lm.save_pretrained(folder, max_shard_size="1TB")
        for part in (*_PARTS.values(), SCORE, CRITIC):
            if module := getattr(self, part):
                save_file(module.state_dict(), folder / f"{part}.safetensors")

    def restore(self, folder: Path) -> None:
        """Takes all weights of a checkpoint of this very network. Raises ValueError for one that cannot be read."""
        device, self.lm = self.device, load(str(folder))
        self.load_adaptors(folder)
        self.load_heads(folder)
        self.to(device)

    def load_adaptors(self, folder: Path) -> None:
        """Takes the adaptors of a checkpoint. One that it does not hold stays new. Raises ValueError for one of another shape, or not
        finite."""
        for part in _PARTS.values():
            self._load(part, folder, "adaptor of this encoder and model")

    def load_heads(self, folder: Path) -> None:
        """Takes the heads that this network has. Raises ValueError for one of another shape."""
        for part in (SCORE, CRITIC):
            self._load(part, folder, f"{part} of this model")

    def _load(self, part: str, folder: Path, what: str) -> None:
        file = folder / f"{part}.safetensors"
        if (module := getattr(self, part)) and file.is_file():
            try:
                module.load_state_dict(load_file(file))
            except (RuntimeError, SafetensorError) as fault:
                reason = str(fault).splitlines()[:2][-1].strip()  # torch's first line names the class alone
                raise ValueError(f"{file}: no {what} ({reason})") from None
            check_finite_weights(module, str(file))
