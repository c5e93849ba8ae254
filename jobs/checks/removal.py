"""Removes faulty settings from a copy of a mapping until it is valid: the faults behind the first ones appear.

    all_faults({"rate": "x", "levels": [2], "size": 3}, check)   ->   the fault of `rate`, then that of `levels` and `size`

A fault that follows from a removed setting is not reported.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from weft.jobs.checks.faults import NAMED, RULE, Fault, KeyPath, begins, value_at

_ROUNDS = 200  # checks at most; of a recipe with more mistakes only the first are listed

Check = Callable[[dict[str, Any]], Sequence[Fault]]


def all_faults(mapping: dict[str, Any], check: Check, known: Sequence[Fault] = ()) -> Iterator[Fault]:
    """The faults that `check` finds, round after round. The settings of the `known` ones are removed first."""
    remaining = _Copy(mapping)
    remaining.remove_all(known)
    for _ in range(_ROUNDS):
        faults = check(remaining.mapping)
        # faults of one check do not follow from each other
        yield from [fault for fault in faults if not remaining.explains(fault)]
        if not remaining.remove_all(faults):
            return


class _Copy:
    def __init__(self, mapping: dict[str, Any]) -> None:
        self.mapping = copy.deepcopy(mapping)
        self._removed: list[KeyPath] = []

    def explains(self, fault: Fault) -> bool:
        """Whether a fault is due to a removed setting."""
        return any(_follows(fault, removed) for removed in self._removed)

    def remove_all(self, faults: Sequence[Fault]) -> bool:
        """Removes the settings of these faults, the deepest first. False where there is nothing to remove.

        A section that lacks a setting is removed whole, with its other mistakes.
        """
        before = len(self._removed)
        for fault in sorted(faults, key=lambda fault: -len(fault.place)):
            if not any(begins(fault.place, removed) for removed in self._removed[before:]):
                self._remove(fault)
        return len(self._removed) > before

    def _remove(self, fault: Fault) -> None:
        """Removes the setting at the fault's place; of a list or mapping only what the message names. Its parent where it is absent."""
        path = fault.place
        while path:
            parent, at = value_at(self.mapping, path[:-1]), path[-1]
            if isinstance(parent, dict) and at in parent:
                if not self._remove_named(parent[at], path, fault):
                    del parent[at]
                    self._removed.append(path)
                return
            if isinstance(parent, list) and at.isdigit() and int(at) < len(parent):
                del parent[int(at)]
                self._removed.append(path[:-1])
                return
            path = path[:-1]

    def _remove_named(self, value: Any, path: KeyPath, fault: Fault) -> bool:
        """Removes the wrong names from a list or mapping or one level below, and from a section the first setting that a rule names."""
        inner = list(value.items()) if isinstance(value, dict) else []
        removed = self._remove_from(value, path, fault.wrong_names)
        for key, below in inner:
            removed |= self._remove_from(below, (*path, str(key)), fault.wrong_names)
        if not removed and isinstance(value, dict) and fault.kind == RULE:
            named = [setting for setting in fault.settings if setting in value]
            removed = self._remove_from(value, path, set(named[:1]))
        return removed

    def _remove_from(self, value: Any, path: KeyPath, names: set[str]) -> bool:
        present = [name for name in value if str(name) in names] if isinstance(value, list | dict) else []
        for name in present:
            value.remove(name) if isinstance(value, list) else value.pop(name)
            self._removed.append((*path, str(name)))
        return bool(present)


def _follows(fault: Fault, removed: KeyPath) -> bool:
    place = fault.place
    if begins(place, removed):
        return True
    if removed[-1:] == ("use",) and begins(
        place, removed[:-1]
    ):  # the other settings are of the backend that is not there
        return True
    if begins(removed, place):  # a section that lost a setting: a rule between settings names those it is about
        return fault.kind != RULE or removed[len(place)] in fault.settings
    return _is_unnamed(fault, removed)


def _is_unnamed(fault: Fault, removed: KeyPath) -> bool:
    """Whether a fault is that a setting names something removed, or that of a section nothing is left."""
    section, *names = removed
    if section not in NAMED or len(names) > 1:
        return False
    if names and fault.quoted:
        return names[0] in fault.quoted
    return section in fault.settings or "is not declared" in fault.message
