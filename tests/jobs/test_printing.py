"""What is printed never steers the terminal."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from weft.jobs.printing import escape, plain, plain_json
from weft.jobs.show import cell

Weft = Callable[..., tuple[int, str, str]]
STEERING = {
    "\x1b": "\\x1b",
    "\u202e": "\\u202e",
    "\u2066": "\\u2066",
    "\x9b": "\\x9b",
    "\r": "\\r",
    "\u2028": "\\u2028",
}


@pytest.mark.parametrize(("character", "shown"), STEERING.items())
def test_what_would_steer_is_written_out(character: str, shown: str) -> None:
    assert plain(f"a{character}b") == escape(f"a{character}b") == cell(f"a{character}b") == f"a{shown}b"


@pytest.mark.parametrize("text", ["naïve 日本語", "نستعلیق می\u200cخواهم", "two\nlines\tand a tab"])
def test_what_is_written_stays(text: str) -> None:
    assert plain(text) == text


def test_brackets_are_no_markup() -> None:
    assert escape("[bold]x") == "\\[bold]x"


def test_a_message_with_a_file_name(weft: Weft, tmp_path: Path) -> None:
    (tmp_path / "r\x1b[31m.yaml").write_text("name: x\nseed: no number\n")
    code, _, output = weft("validate", tmp_path / "r\x1b[31m.yaml")
    assert code == 2 and "\x1b" not in output and "\\x1b[31m" in output


def test_json_means_the_same_and_holds_nothing_that_steers() -> None:
    names = ["a\x1b\x9b\u202e\u2028.wav", "漢 é"]
    shown = plain_json(json.dumps(names, ensure_ascii=False))
    assert json.loads(shown) == names and "漢 é" in shown
    assert not any(c in shown for c in "\x1b\x9b\u202e\u2028")


def test_a_line_end_in_a_name_is_written_out() -> None:
    assert escape("a\nb.wav") == cell("a\nb.wav") == "a\\nb.wav"
