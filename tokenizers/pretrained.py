"""The text tokenizer of an existing language model, from a local folder or the hub.

Tokenizer(model="/models/llama-2-7b").train([])    # nothing is learned: its 32,000 ids stay as they are
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from weft.schemas.fingerprint import content
from weft.schemas.hub import loadable
from weft.schemas.settings import CHECKPOINT
from weft.tokenizers.text import TextTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth", "*.gguf", "*.h5", "*.msgpack", "*.onnx", "*.index.json")


class Tokenizer(TextTokenizer):
    """`model` is a folder or a name on the hub (`hf://org/name`) with a tokenizer that the `tokenizers` library can run."""

    model: Annotated[str, CHECKPOINT]

    def version(self) -> str:
        """With a digest of the folder, without the weights of a model in it."""
        return f"{super().version()} {content(self.model, ignore=WEIGHTS)}"

    def _make(self, texts: Iterable[str]) -> "PreTrainedTokenizerFast":
        from transformers import AutoTokenizer, PreTrainedTokenizerFast

        name = loadable(self.model)
        try:
            tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise ValueError(f"{self.model}: no tokenizer could be read ({str(error).splitlines()[0]})") from None
        if not isinstance(tokenizer, PreTrainedTokenizerFast):
            raise ValueError(f"{self.model}: its tokenizer has no tokenizer.json, which weft needs")
        return tokenizer
