"""A child that answers, fails and dies when it is told to."""

from pathlib import Path

import pytest

from weft.outside import serving

CHILD = f"""
import sys
import threading
sys.path.insert(0, {str(Path(serving.__file__).parent)!r})
from serving import Unusable, serve

def load(settings):
    print("a library that talks")
    if settings.get("hang"):
        threading.Event().wait()
    if settings.get("fail"):
        raise FileNotFoundError("no such model")
    def answer(question, samples):
        if question["do"] == "die":
            raise SystemExit("killed")
        if question["do"] == "hang":
            threading.Event().wait()
        if question["do"] == "fail":
            raise ValueError("no such voice")
        if question["do"] == "refuse":
            raise Unusable("too_short", "0.01 s")
        return {{"sum": float(samples.sum()), "n": len(samples), **settings}}
    return answer

serve(load)
"""


@pytest.fixture
def child(tmp_path: Path) -> str:
    path = tmp_path / "child.py"
    path.write_text(CHILD)
    return str(path)
