"""Recipes in text, and what is said of a wrong one."""

import pytest

from weft.schemas.faults import RecipeError
from weft.schemas.recipe_file import load

LEAST = """\
name: least
sources:
  books: {use: text, path: books}
tokenizers:
  hubert: {use: hubert, size: 50}
tasks:
  text: {use: text, sources: [books]}
"""
STAGE = """\
training:
  pre:
    mixture: {total: 1e6, shares: {text: 1}}
    context: 8
    model: {base: llama}
    optimiser: {lr: 1e-3, batch_tokens: 8}
"""


def fault(path: str, overrides: tuple[str, ...] = ()) -> str:
    with pytest.raises(RecipeError) as caught:
        load(path, overrides)
    return str(caught.value)
