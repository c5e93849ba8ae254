"""The utterances of one recording, in the order in which they were spoken.

Passage("talk-3fa0", utterances=(Utterance("talk-3fa0-0000", …), Utterance("talk-3fa0-0001", …)))
"""

from dataclasses import dataclass

from weft.schemas.audio import Utterance


@dataclass(frozen=True, slots=True)
class Passage:
    """What tasks over recordings take. `key` is the recording's. Its `seconds` are those of its utterances, without what lies between.

    There is at least one utterance. They may lie in several splits.
    """

    key: str
    utterances: tuple[Utterance, ...]

    @property
    def seconds(self) -> float:
        return sum(utterance.seconds for utterance in self.utterances)

    @property
    def text(self) -> str:
        return " ".join(utterance.text for utterance in self.utterances if utterance.text)

    @property
    def source(self) -> str:
        return self.utterances[0].source

    @property
    def path(self) -> str:
        return self.utterances[0].path

    @property
    def split(self) -> str:
        return self.utterances[0].split

    @property
    def licence(self) -> str:
        return self.utterances[0].licence

    @property
    def language(self) -> str:
        """That of all its utterances; "" where they have several."""
        return self.shared("language")

    def shared(self, name: str) -> str:
        """What all its utterances have in a field; "" where it differs."""
        values = {getattr(utterance, name) for utterance in self.utterances}
        return values.pop() if len(values) == 1 else ""
