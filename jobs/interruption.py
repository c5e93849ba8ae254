"""What Ctrl-C leaves, and how to go on, by command.

interrupted(["build", "my.yaml", "--out", "corpus"])    "interrupted; finished work is kept, and the same command continues"
"""

from collections.abc import Sequence

_GOES_ON = {("demo",), ("build",), ("align",), ("encode",), ("tokenizer", "train"), ("tokenizer", "evaluate")}
RESUME = "--resume"


def interrupted(arguments: Sequence[str]) -> str:
    """The sentence for a command line, without the program's name."""
    words = tuple(word for word in arguments if not word.startswith("-"))
    trains = words[:1] == ("train",)
    if words[:1] in _GOES_ON or words[:2] in _GOES_ON or (trains and RESUME in arguments):
        return "interrupted; finished work is kept, and the same command continues"
    if trains:  # without --resume a second run of the same command is refused
        return f"interrupted; once a stage has begun, the same command with {RESUME} continues from its last checkpoint"
    return "interrupted; nothing was changed"
