"""Refused plans: a build records them, so that a reader of the corpus sees why it is incomplete.

    plan/pretrain-refused.json    {"stage": "9f2c…", "why": "stage 'pretrain': words/speech ran out after …", "digest": "51d0…"}

It is valid for the stage as it was declared then, and is removed when the stage is planned.
"""

import json

from weft.pipelines.storage.store import Store
from weft.schemas.fingerprint import digest
from weft.schemas.training import TrainingStage


def refusal_name(stage: str) -> str:
    return f"plan/{stage}-refused.json"


def record_refusal(store: Store, name: str, stage: TrainingStage, why: str) -> None:
    record = {"stage": digest(stage.model_dump(mode="json")), "why": why}
    text = json.dumps({**record, "digest": digest(record)}, indent=1, ensure_ascii=False)
    store.write(refusal_name(name), (text + "\n").encode())


def refusal_of(store: Store, name: str, stage: TrainingStage) -> str:
    """Why a stage with this declaration was not planned; "" where no reason is recorded."""
    try:
        record = json.loads(store.read(refusal_name(name)))
        whole = record.pop("digest") == digest(record)
        same = record["stage"] == digest(stage.model_dump(mode="json"))
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return ""
    return str(record["why"]) if whole and same else ""
