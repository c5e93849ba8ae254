"""A tokenizer's network counts as that tokenizer does."""

import pytest

from weft.pipelines.encoders.tokenizer import Encoder
from weft.tokenizers.cepstra import Tokenizer as Cepstra
from weft.tokenizers.hubert import Tokenizer as Hubert


@pytest.mark.parametrize("samples", [0, 639, 640, 16_000, 400_000, 123_457])
def test_the_frames_are_the_tokenizers_and_the_adaptor_makes_half_of_them(samples: int) -> None:
    encoder, hubert = Encoder(tokenizer="hubert"), Hubert(size=100, rate=25)
    encoder.use_tokenizers({"hubert": hubert})
    assert encoder.frames(samples) == hubert.frames(samples)
    assert encoder.placeholders(samples) == -(-hubert.frames(samples) // 2)


def test_a_tokenizer_that_is_not_declared_is_named() -> None:
    with pytest.raises(ValueError, match=r"'hubert' is not under `tokenizers:` \(there: mfcc\)"):
        Encoder(tokenizer="hubert").use_tokenizers({"mfcc": Cepstra(size=8, rate=25)})


def test_its_version_changes_with_that_of_the_tokenizer() -> None:
    versions = set()
    for made in (Hubert(size=100, rate=25), Cepstra(size=8, rate=25)):
        encoder = Encoder(tokenizer="units")
        encoder.use_tokenizers({"units": made})
        versions.add(encoder.version())
    assert len(versions) == 2
