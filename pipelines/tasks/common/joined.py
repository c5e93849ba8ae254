"""Consecutive utterances of a recording as one: their texts with a space between, their codes one after the other.

joined((Spoken("We went out."), Spoken("It rained.")))  ->  Spoken("We went out. It rained.")
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from weft.pipelines.tasks.base import Spoken
from weft.pipelines.tasks.common.content import AUDIO, Content
from weft.schemas.audio import Codes


def as_written(content: Content, pieces: Sequence[Spoken]) -> Sequence[Spoken]:
    """The utterances as one; each by itself where it is said as latent audio, whose chunks are no longer than an encoder takes."""
    return pieces if AUDIO in content.latents else (joined(pieces),)


def joined(pieces: Sequence[Spoken]) -> Spoken:
    """The pause between two utterances is left out. Without the words in time. Raises Unusable for one without a transcript."""
    first, *others = pieces
    if not others:
        return first
    seconds = sum(piece.utterance.seconds for piece in pieces)
    utterance = replace(
        first.utterance,
        end=first.utterance.start + seconds,
        text=" ".join(piece.text for piece in pieces) if _has_text(pieces) else None,
        words=(),
        phones=(),
        fields=(),  # what is asked about one is not asked about all
    )
    return Spoken(utterance=utterance, codes={name: _codes([p.codes[name] for p in pieces]) for name in first.codes})


def _has_text(pieces: Sequence[Spoken]) -> bool:
    """Whether there is any: codes alone need none, but a text must not miss a part."""
    return any(piece.utterance.text for piece in pieces)


def _codes(pieces: Sequence[Codes]) -> Codes:
    """Each stream begins at the tick at which the one before ends."""
    shifts = list(accumulate((codes.ticks for codes in pieces), initial=0))
    return replace(
        pieces[0],
        seconds=sum(codes.seconds for codes in pieces),
        ticks=shifts[-1],
        which=tuple(which for codes in pieces for which in codes.which),
        ids=tuple(i for codes in pieces for i in codes.ids),
        starts=tuple(shift + start for shift, codes in zip(shifts, pieces, strict=False) for start in codes.starts),
    )
