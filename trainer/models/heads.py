"""Networks that give a number at each position in place of scores of the next token.

ScoreHead(width=3584)(states)                  (…, 3584) -> (…): what a reward model says of an answer, at its last token
Critic.of(lm, width=3584)(states, positions, …)       (B, T, E) -> (B, T): what PPO's critic expects of a reply, from each position on
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from weft.trainer.attention import packed_mask


class ScoreHead(nn.Module):
    """A linear map to one number in float32, which is 0 at first. In bfloat16 two scores of about 10 could not be 0.05 apart."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(width, 1)
        nn.init.zeros_(self.projection.weight)
        nn.init.zeros_(self.projection.bias)

    def forward(self, states: Tensor) -> Tensor:
        with torch.autocast(states.device.type, enabled=False):
            scores: Tensor = self.projection(states.float()).squeeze(-1)
        return scores


class Critic(nn.Module):
    """A copy of the LM's layers, with a score in place of its head. It is given the policy's embeddings."""

    def __init__(self, body: PreTrainedModel, width: int) -> None:
        super().__init__()
        self.body, self.score = body, ScoreHead(width)

    @classmethod
    def of(cls, lm: PreTrainedModel, width: int) -> "Critic":
        """A critic with the layers that the LM has now; `width` is that of its states."""
        body: Any = copy.deepcopy(lm.base_model).requires_grad_(True)
        body.set_input_embeddings(nn.Identity())  # those of the policy are used
        return cls(body, width).to(lm.device)

    def forward(self, states_BTE: Tensor, positions_BT: Tensor, documents_BT: Tensor) -> Tensor:
        hidden_BTE = self.body(
            inputs_embeds=states_BTE.detach(), position_ids=positions_BT, attention_mask=packed_mask(self.body, documents_BT),
            use_cache=False,
        ).last_hidden_state  # fmt: skip
        values: Tensor = self.score(hidden_BTE)
        return values


def last_tokens(documents_BT: Tensor) -> tuple[Tensor, Tensor]:
    """The row and the column of the last token of each document, in the order of the rows."""
    following_BT = torch.nn.functional.pad(documents_BT, (0, 1), value=-1)[:, 1:]
    row_D, column_D = ((documents_BT >= 0) & (documents_BT != following_BT)).nonzero(as_tuple=True)
    return row_D, column_D
