"""The groups of a network's weights by name, and the optimiser over those that are trained.

groups_of(network)  ->  {"embeddings": {"lm.model.embed_tokens.weight": …}, "head": …, "lm": …, "adaptor": …}
"""

from collections.abc import Collection, Mapping
from itertools import product

from torch import nn
from torch.optim import AdamW

from weft.schemas.faults import RecipeError
from weft.schemas.training import Group, Optimiser
from weft.trainer.models.network import Network

Weights = dict[str, nn.Parameter]


def groups_of(network: Network) -> dict[str, Weights]:
    """Every weight by its group and name; groups without weights are absent. A head that is tied to the embeddings is theirs."""
    embeddings = {id(weight) for weight in network.lm.get_input_embeddings().parameters()}
    output = network.lm.get_output_embeddings()
    head = {id(weight) for weight in output.parameters()} if output else set()
    groups: dict[str, Weights] = {}
    for name, weight in network.named_parameters():
        part = name.partition(".")[0].replace("_", "-")
        if part == "lm":
            part = "embeddings" if id(weight) in embeddings else "head" if id(weight) in head else "lm"
        groups.setdefault(part, {})[name] = weight
    return groups


def freeze(network: Network, trainable: Mapping[Group, float | None]) -> dict[str, Weights]:
    """Stops the gradients of all groups but the trainable ones, and returns those; all of them where none is named.

    Raises RecipeError for a group that the network does not have, and for embeddings and a head that are one.
    """
    groups = groups_of(network)
    if fault := lacking(network, trainable):
        raise RecipeError(f"`trainable` {fault}")
    named: list[str] = list(trainable) or list(groups)
    for name, weights in groups.items():
        for weight in weights.values():
            weight.requires_grad_(name in named)
    return {name: groups[name] for name in named}


def lacking(network: Network, trainable: Collection[Group]) -> str:
    """What is wrong with `trainable`, as a clause that follows its name: the first group that is not there; "" where all are."""
    groups = groups_of(network)
    name = next((name for name in trainable if name not in groups), None)
    if name == "head" and network.lm.get_output_embeddings() is not None:
        return (
            "gives the head a rate of its own, but this model ties the head to the embeddings: leave `head` out, or set "
            "`tie_word_embeddings: false` in the model's config"
        )
    return f"names {name!r}, and this model has no such weights; it has {', '.join(groups)}" if name else ""


def optimiser_of(trained: Mapping[str, Weights], rates: Mapping[Group, float | None], settings: Optimiser) -> AdamW:
    """AdamW over the trained groups; weights of one dimension (norms, biases) do not decay.

    Each of its parameter groups has a `scale`: its rate as a multiple of the optimiser's.
    """
    groups = []
    for (name, weights), decays in product(trained.items(), (True, False)):
        rate: float | None = dict(rates).get(name)  # type: ignore[call-overload]
        chosen = [weight for weight in weights.values() if (weight.ndim > 1) == decays]
        decay = settings.weight_decay if decays else 0.0
        groups.append(
            {"params": chosen, "weight_decay": decay, "scale": (settings.lr if rate is None else rate) / settings.lr}
        )
    return AdamW([group for group in groups if group["params"]], lr=settings.lr, betas=settings.betas, foreach=True)
