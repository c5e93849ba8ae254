"""Byte-level BPE learnt from the corpus: any text goes in, and exactly that text comes out.

Tokenizer(size=2000).train(texts)
encode(" of the")  ->  [291, 275];  `<s>` is id 0, the 256 bytes follow, then the merges
"""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers, trainers

from weft.tokenizers.text import TextTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

BOS = "<s>"
LONGEST = 256  # characters of one word that are learnt from together: learning takes the square of a word's length
_RUN = re.compile(rf"[^\W\d_]{{{LONGEST}}}|\d{{{LONGEST}}}|(?:[^\w\s]|_){{{LONGEST}}}|\s{{{LONGEST}}}")


def without_long_runs(text: str) -> Iterator[str]:
    """The text, cut within each run of letters, digits, signs or spaces that is longer than `LONGEST`."""
    begin = 0
    for run in _RUN.finditer(text):
        yield text[begin : run.end()]
        begin = run.end()
    yield text[begin:]


class Tokenizer(TextTokenizer):
    """`size` ids at most, `<s>` and the 256 bytes among them; a small corpus may not have enough pairs to merge."""

    trains: ClassVar[bool] = True

    size: int = Field(default=2000, ge=257)

    def version(self) -> str:
        return f"{super().version()}-cut"

    def _make(self, texts: Iterable[str]) -> "PreTrainedTokenizerFast":
        from transformers import PreTrainedTokenizerFast

        backend = Backend(models.BPE())
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        trainer = trainers.BpeTrainer(
            vocab_size=self.size, special_tokens=[BOS], initial_alphabet=alphabet, show_progress=False, min_frequency=2
        )
        backend.train_from_iterator((piece for text in texts for piece in without_long_runs(text)), trainer)
        return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token=BOS, clean_up_tokenization_spaces=False)
