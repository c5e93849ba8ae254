"""Utterances in batches of so much sound."""

from collections.abc import Iterable, Iterator

from weft.schemas.audio import Utterance


def by_seconds(utterances: Iterable[Utterance], seconds: float) -> Iterator[list[Utterance]]:
    """Utterances in order, each batch of as many as hold `seconds`, and of one at least."""
    batch: list[Utterance] = []
    held = 0.0
    for utterance in utterances:
        if batch and held + utterance.seconds > seconds:
            yield batch
            batch, held = [], 0.0
        batch.append(utterance)
        held += utterance.seconds
    if batch:
        yield batch
