"""How many bytes of a source's text are a token: measured with the recipe's text tokenizer on some documents, and some of each field.

with_text_rates(pipeline, sizes)["books"].bytes_a_token   ->   5.1

A tokenizer that learns from the corpus learns here from a megabyte of it, which is enough for a small vocabulary. The typical rate
stands for a larger one, and for a checkpoint that is not there.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from weft.jobs.source_sizes import SourceSize, some_of
from weft.pipelines.graph import Pipeline
from weft.schemas.ledger import Unusable
from weft.tokenizers.bpe import Tokenizer as Bpe
from weft.tokenizers.pretrained import Tokenizer as Pretrained
from weft.tokenizers.text import TextTokenizer

BYTES_A_WORD = 200  # of text for each word of a vocabulary: with less it would fit the sample, and no other text
_DOCUMENTS = 200  # that are spelt


def with_text_rates(pipeline: Pipeline, sizes: Mapping[str, SourceSize]) -> dict[str, SourceSize]:
    """The sizes, each with its rate where that can be measured."""
    has_text = any(size.texts or size.samples for size in sizes.values())
    tokenizer = _tokenizer(pipeline, sizes) if has_text else None
    return {name: _with_rates(tokenizer, size) if tokenizer else size for name, size in sizes.items()}


def _with_rates(tokenizer: TextTokenizer, size: SourceSize) -> SourceSize:
    measured = {name: _rate(tokenizer, texts) for name, texts in size.samples.items()}
    return size.with_rates(_rate(tokenizer, size.texts), {name: rate for name, rate in measured.items() if rate})


def _tokenizer(pipeline: Pipeline, sizes: Mapping[str, SourceSize]) -> TextTokenizer | None:
    text = pipeline.text
    learnt = pipeline.recipe.text.sources or tuple(sizes)
    texts = [one for name in learnt for one in sizes[name].texts]
    is_small = isinstance(text, Bpe) and _is_enough(text.size, texts, pipeline, sizes)
    if not is_small and not (isinstance(text, Pretrained) and os.path.isdir(text.model)):
        return None
    made = text.model_copy()
    try:
        made.train([*texts, *(one for name in learnt for one in sizes[name].samples.get("text", ()))])
    except ValueError:  # a build says what is wrong with the checkpoint
        return None
    return made


def _is_enough(size: int, texts: list[str], pipeline: Pipeline, sizes: Mapping[str, SourceSize]) -> bool:
    """Whether a vocabulary of so many words fits these texts as it would all of them."""
    length = sum(len(text.encode()) for text in texts)
    whole = sum(sizes[name].bytes for name in pipeline.recipe.text.sources or sizes)
    return bool(texts) and (length >= whole or length >= BYTES_A_WORD * size)


def _rate(tokenizer: TextTokenizer, texts: tuple[str, ...]) -> float | None:
    spelt = [*_spelt(tokenizer, some_of(texts, _DOCUMENTS))]
    tokens = sum(count for _, count in spelt)
    return sum(length for length, _ in spelt) / tokens if tokens else None


def _spelt(tokenizer: TextTokenizer, texts: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Bytes and tokens of each text that can be spelt."""
    for text in texts:
        with suppress(Unusable):
            yield len(text.encode()), len(tokenizer.encode(text))
