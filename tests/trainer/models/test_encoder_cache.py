"""An encoder runs once for a member, however many replies listen to it, and keeps no more than it is allowed to."""

import numpy as np

from weft.trainer.models.encoder_cache import cached


class Counting:
    width, stride = 4, 2

    def __init__(self) -> None:
        self.times = 0

    def encode(self, member: np.ndarray, /) -> np.ndarray:
        self.times += 1
        return member[:8].reshape(-1, 4)


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


def test_an_equal_member_at_the_same_place_is_another() -> None:
    """An array that is gone may leave its address to another: its frames must not."""
    counting = Counting()
    encoder = cached({"audio": counting}, members=4)["audio"]
    for n in range(50):
        member = np.full(8, n, np.float32)
        assert encoder.encode(member)[0, 0] == n
