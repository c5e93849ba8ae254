"""An encoder runs once for a member, however many replies listen to it, and keeps no more than it is allowed to."""

import weakref

import numpy as np

from weft.trainer.models.encoder_cache import cached


class Counting:
    width, stride = 4, 2

    def __init__(self) -> None:
        self.times = 0

    def encode(self, member: np.ndarray, /) -> np.ndarray:
        self.times += 1
        return member[:8].reshape(-1, 4).copy()  # a view would keep the member itself


def test_frames_of_the_last_members_are_kept() -> None:
    counting = Counting()
    encoder = cached({"audio": counting}, members=2)["audio"]
    assert (encoder.width, encoder.stride) == (4, 2)
    members = [np.full(8, n, np.float32) for n in range(3)]
    for member in (members[0], members[1], members[0]):
        assert encoder.encode(member).tolist() == member.reshape(-1, 4).tolist()
    assert counting.times == 2
    encoder.encode(members[2])  # the first is put away
    encoder.encode(members[1])
    encoder.encode(members[0])
    assert counting.times == 4


def test_a_member_lives_as_long_as_its_frames() -> None:
    """An array that is gone may leave its address to another, which would get its frames."""
    encoder = cached({"audio": Counting()}, members=2)["audio"]
    member = np.zeros(8, np.float32)
    lives = weakref.ref(member)
    encoder.encode(member)
    del member
    assert lives() is not None
    others = [np.full(8, n, np.float32) for n in range(2)]
    assert [encoder.encode(other)[0, 0] for other in others] == [0, 1]
    assert lives() is None
