"""Typical tokens of speech: of its transcript, of a stream, and of what a turn or chunk says of it."""

from weft.pipelines.graph import Pipeline
from weft.pipelines.tasks.common.content import AUDIO, ContentAmount, TurnPart
from weft.pipelines.tasks.common.interleave import TEXT, Interleave

KEPT_BY_DEDUP = 0.68
WORDS_A_SECOND = 2.5
TOKENS_A_WORD = 1.3
TEXT_RATE = WORDS_A_SECOND * TOKENS_A_WORD
BYTES_A_TOKEN = 4.0  # of text that a tokenizer was trained on
RATES = (
    f"tokens are estimates: codes by the rate of their tokenizer, less {1 - KEPT_BY_DEDUP:.0%} where equal neighbours become one; "
    f"{TEXT_RATE:g} tokens of text a second of speech; {BYTES_A_TOKEN:g} bytes of text a token"
)


def codes_a_second(pipeline: Pipeline, stream: str) -> float:
    """Of a tokenizer or a merged stream."""
    names = pipeline.streams[stream].of if stream in pipeline.streams else (stream,)
    tokenizers = [pipeline.tokenizers[name] for name in names]
    return sum(tokenizer.rate * (KEPT_BY_DEDUP if tokenizer.dedup else 1) for tokenizer in tokenizers)


def tokens_of(pipeline: Pipeline, amount: ContentAmount, seconds: float) -> float:
    """Tokens of a content with its markers, where an utterance lasts so many seconds."""
    rate = sum(_part_rate(pipeline, part) for part in amount.content.say)
    marked = (bool(amount.content.open) + bool(amount.content.close)) * amount.times
    round_latents = 2 * amount.utterances if AUDIO in amount.content.latents else 0
    return seconds * amount.utterances * rate + marked + round_latents


def _part_rate(pipeline: Pipeline, part: TurnPart) -> float:
    if isinstance(part, Interleave):
        return _group_rate(pipeline, part)
    if part == TEXT:
        return TEXT_RATE
    if part == AUDIO:
        return pipeline.encoders.audio.rate if pipeline.encoders.audio else 0.0
    is_stream = part in pipeline.streams or part in pipeline.tokenizers  # not an image, a literal or a field
    return codes_a_second(pipeline, str(part)) if is_stream else 0.0


def _group_rate(pipeline: Pipeline, groups: Interleave) -> float:
    """Text is padded to as many groups as its audio has, where there is a marker for it."""
    rates = {name: codes_a_second(pipeline, name) for name in groups.streams}
    sizes = dict(zip(groups.of, groups.sizes, strict=True))
    padded = max(rate / sizes[name] for name, rate in rates.items()) * sizes[TEXT] if groups.text_pad else 0.0
    return sum(rates.values()) + max(TEXT_RATE, padded)
