"""card.json, beside a trained tokenizer's model: which tokenizer it is, and what it was trained on.

{"use": "pitch", "rate": 12.5, "size": 64, "literal": "[Pi{}]", "checksum": "9f…", "trained_on": {"clips": 145, "seconds": 401.9,
 "licences": {"CC0": 80, "": 65}, "content": "03…"}, …, "made_from": {"checkpoints/mhubert": {"content": "7a…", "licence": "mit"}}}
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from weft.schemas.audio import Utterance
from weft.schemas.fingerprint import content, digest
from weft.schemas.hub import HUB
from weft.schemas.small_json import read_json
from weft.tokenizers.base import SpeechTokenizer

CARD = "card.json"


def write_card(folder: Path, tokenizer: SpeechTokenizer, training_set: Sequence[Utterance]) -> None:
    """Describes a tokenizer that has been trained into `folder` on these utterances."""
    card = {
        "use": tokenizer.backend_name,
        "rate": tokenizer.rate,
        "size": tokenizer.size,
        "literal": tokenizer.literal,
        "version": tokenizer.version(),
        "checksum": tokenizer.checksum,
        "made_from": {name: {"content": content(name), "licence": licence_of(name)} for name in tokenizer.made_from},
        "trained_on": {
            "clips": len(training_set),
            "seconds": round(sum(u.seconds for u in training_set), 3),
            "licences": dict(sorted(Counter(u.licence for u in training_set).items())),
            "languages": dict(sorted(Counter(u.language for u in training_set).items())),
            "content": digest([(u.sha256, u.start, u.end) for u in training_set])[:16],
        },
    }
    _write(folder, card)


def licence_of(checkpoint: str) -> str:
    """The licence in the model card (README.md) of a checkpoint's folder or hub name; "" where it names none."""
    from huggingface_hub import ModelCard
    from huggingface_hub.errors import HfHubHTTPError

    local = Path(checkpoint)
    folder = local if local.is_dir() else local.parent
    try:
        card = ModelCard.load(
            folder / "README.md" if local.exists() else checkpoint.removeprefix(HUB), ignore_metadata_errors=True
        )
    except (OSError, ValueError, TypeError, HfHubHTTPError, yaml.YAMLError):
        return ""
    return str(card.data.license or "")


def read_card(folder: Path) -> dict[str, Any]:
    """Raises ValueError for a folder that holds no trained tokenizer."""
    try:
        card = read_json(folder / CARD)
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder}: no trained tokenizer here ({error}); `weft tokenizer train` makes one") from None
    if not isinstance(card, dict) or not isinstance(card.get("use"), str):
        raise ValueError(f"{folder}: its {CARD} does not say which tokenizer it is")
    return card


def check_card(folder: Path, tokenizer: SpeechTokenizer) -> None:
    """Loads `tokenizer` from `folder`. Raises ValueError where that fails, or where the checksum is not that of the card."""
    expected = read_card(folder).get("checksum")
    tokenizer.load(folder)
    if expected != tokenizer.checksum:
        raise ValueError(
            f"{folder}: its model is not the one that {CARD} describes (checksum {tokenizer.checksum}, not {expected}): "
            "copy the whole folder again, or train it again"
        )


def update_checksum(folder: Path, tokenizer: SpeechTokenizer) -> None:
    """Writes the checksum of the model that lies there now into the card, after the model was changed on purpose."""
    tokenizer.load(folder)
    _write(folder, {**read_card(folder), "checksum": tokenizer.checksum})


def _write(folder: Path, card: Mapping[str, Any]) -> None:
    (folder / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", "utf-8")
