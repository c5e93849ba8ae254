"""Where a list ends that is no list of its kind: after so many entries in a row that cannot be used.

wrong = WrongRun("cuts.jsonl", limits.faults_in_a_row)
if wrong.is_over(usable=False): …     wrong.fault: "cuts.jsonl: 10,000 entries in a row cannot be used; it is read no further"
"""

from weft.schemas.counting import counted
from weft.schemas.ledger import Unusable


class WrongRun:
    """Entries in a row that cannot be used. After `most` of them the list `name` is read no further: it is no list of its kind."""

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most, self._count = name, most, 0

    def is_over(self, usable: bool) -> bool:
        """Counts one entry; whether the list ends with it."""
        self._count = 0 if usable else self._count + 1
        return self._count >= self._most

    @property
    def fault(self) -> Unusable:
        entries = f"{counted(self._most, 'entry', 'entries')} in a row"
        return Unusable("too_many_faults", f"{self._name}: {entries} cannot be used; it is read no further")
