"""The folder of a run: a folder for each stage and each merge, and where each ended.

run/align/ended.json   {"checkpoint": "step-000400"}      run/final/merge.json
"""

import json
import os
from pathlib import Path

from weft.schemas.disk import to_disk
from weft.trainer.merging import RECORD

ENDED = "ended.json"
CHECKPOINTS = "checkpoints"


def end(stage: Path, last: Path) -> None:
    """Notes the last checkpoint of a stage that was trained to its end."""
    scratch = stage / f".{ENDED}.tmp"
    scratch.write_text(json.dumps({"checkpoint": last.name}) + "\n", encoding="utf-8")
    to_disk(scratch)
    os.replace(scratch, stage / ENDED)


def reopen(stage: Path) -> None:
    """Takes back that a stage has ended: it is trained further, and its last checkpoint may be removed."""
    (stage / ENDED).unlink(missing_ok=True)


def anew(stage: Path) -> str:
    """What to do to train a stage from its start. Its folder stays, since `--resume` is refused where nothing was begun."""
    folder = stage / CHECKPOINTS
    remove = f"remove {folder} and " if folder.is_dir() else ""
    kept = "those before it are kept, and what began from it is to be removed too"
    return f"{remove}run again with --resume: this stage begins anew, {kept}"


def ended(run: Path, name: str) -> bool:
    """Whether a stage was trained to its end, or a merge was made."""
    return (run / name / ENDED).is_file() or (run / name / RECORD).is_file()


def start_of(run: Path, name: str) -> Path:
    """The folder with the weights that a stage or a merge ended with. Raises ValueError without one."""
    folder = run / name
    if not ended(run, name):
        raise ValueError(f"{folder} was not trained to its end")
    if (folder / RECORD).is_file():
        return folder
    try:
        last: str = json.loads((folder / ENDED).read_text(encoding="utf-8"))["checkpoint"]
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{folder / ENDED} is damaged; `weft train --resume` writes it again") from None
    checkpoint = folder / CHECKPOINTS / last
    if not checkpoint.is_dir():
        raise ValueError(f"{checkpoint} is gone; `weft train --stage {name} --resume` makes it again")
    return checkpoint
