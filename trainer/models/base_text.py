"""Compares the text tokenizer of a `base` with the corpus's: where a token has another id, the base was taught other text.

check_text("checkpoints/qwen2.5-7b", files["tokenizer.json"])
RecipeError: checkpoints/qwen2.5-7b has another text tokenizer than the corpus: 'Ġthe' is 279 there, and 301 here; …
"""

from tokenizers import Tokenizer
from transformers.utils import cached_file

from weft.schemas.faults import RecipeError
from weft.schemas.hub import loadable


def check_text(base: str, tokenizer: bytes) -> None:
    """`tokenizer` is the tokenizer.json of the corpus's vocabulary. A base without such a file does not say its text.

    Raises RecipeError, and ValueError for a file that cannot be read.
    """
    file = cached_file(loadable(base), "tokenizer.json", _raise_exceptions_for_missing_entries=False)
    if file is None:
        return
    try:
        theirs = Tokenizer.from_file(str(file)).get_vocab(with_added_tokens=False)
    except Exception as fault:  # noqa: BLE001 - tokenizers raises nothing more exact
        raise ValueError(f"{file} cannot be read: {fault}") from None
    ours = Tokenizer.from_str(tokenizer.decode("utf-8")).get_vocab(with_added_tokens=True)
    if others := [token for token, number in theirs.items() if ours.get(token) != number]:
        token = min(others, key=theirs.__getitem__)
        here = f"{ours[token]} here" if token in ours else "no token here"
        raise RecipeError(
            f"{base} has another text tokenizer than the corpus: {token!r} is {theirs[token]} there, and {here}; build the corpus with "
            f"`text: {{use: pretrained, model: {base}}}`, or start from another checkpoint"
        )
