"""JSON files of a model that others made: small, or refused.

read_json(folder / "tokenizer.json")     raises ValueError for what is no JSON, nests too deeply or is larger than `LARGEST`
"""

import json
from pathlib import Path
from typing import Any

LARGEST = 1 << 26  # characters


def read_json(path: Path) -> Any:
    """Raises ValueError, and OSError."""
    with open(path, encoding="utf-8") as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise ValueError(f"{path.name} has more than {LARGEST:,} characters")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(f"{path.name} is nested too deeply") from None
