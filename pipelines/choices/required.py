"""The methods that a backend must have, by its folder: what its base leaves open.

missing("aligners", Aligner)   ->   ["version", "align_clip or align_clips"]   of a class that has none of them

weft's own backends have all of them. One from outside is refused by `weft validate`, before a build is half done.
"""

_REQUIRED = {
    "sources": ("makes", "items", "read"),
    "segmenters": ("version", "speech"),
    "transcribers": ("version", "transcribe"),
    "aligners": ("version", "align_clip"),
    "voices": ("version", "styles", "speak"),
    "tasks": ("markers", "compose"),
}
_INSTEAD = {"align_clip": "align_clips"}  # the base writes the second with the first, so either will do
_WITH = {  # what those have too that learn from the corpus, or that say more of an item before it is read
    ("aligners", "training_seconds"): ("train", "load"),
    ("sources", "lists_facts"): ("facts_of",),
}


def missing(folder: str, cls: type, base: type) -> list[str]:
    """The methods that `cls`, a subclass of `base`, must have and has not, by name; "a or b" where either will do."""
    wanted = [*_REQUIRED.get(folder, ()), *sorted(getattr(cls, "__abstractmethods__", ()))]
    for (of, method), others in _WITH.items():
        wanted += others if of == folder and _has(cls, base, method) else ()
    return [_called(one) for one in wanted if not any(_has(cls, base, name) for name in (one, _INSTEAD.get(one, one)))]


def _called(method: str) -> str:
    return f"{method} or {_INSTEAD[method]}" if method in _INSTEAD else method


def _has(cls: type, base: type, method: str) -> bool:
    """Whether a class has a method of its own, or one that its parents wrote between it and the base."""
    own = getattr(cls, method, None)
    return own is not getattr(base, method, None) and not getattr(own, "__isabstractmethod__", False)
