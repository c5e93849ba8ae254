"""A corpus that is there, read by its own recipe: `status`, `audit` and `inspect` need nothing that lies outside it.

SavedPipeline(recipe).tokenizers["pitch"].size   ->  64, though the folder it was taken from has gone
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from weft.pipelines.graph import Pipeline
from weft.schemas.fingerprint import version_of
from weft.schemas.recipe_sections import TokenizerChoice

_SUM = b"# SHA-256 of what follows: "


@dataclass(frozen=True)
class SavedPipeline(Pipeline):
    """Its recipe says every setting, whatever became of the folders it took tokenizers from."""

    def _trained_with(self, name: str, choice: TokenizerChoice) -> dict[str, Any]:
        return {}

    def _taken(self, folder: str) -> str:
        try:
            return super()._taken(folder)
        except ValueError:
            return folder


def with_checksum(recipe: str) -> bytes:
    """A resolved recipe's YAML as a corpus keeps it: with a checksum, by which the audit knows that it was not edited."""
    body = f"# resolved by weft {version_of('weft')}\n{recipe}".encode()
    return _line(body) + body


def is_as_written(recipe: bytes) -> bool:
    line, newline, body = recipe.partition(b"\n")
    return line + newline == _line(body)


def is_resolved(recipe: bytes) -> bool:
    """Whether a recipe.yaml was written by weft into a corpus, damaged or edited though it may be."""
    return recipe.startswith(_SUM) or b"\n# resolved by weft " in recipe[:200]


def _line(body: bytes) -> bytes:
    return _SUM + f"{hashlib.sha256(body).hexdigest()}\n".encode()
