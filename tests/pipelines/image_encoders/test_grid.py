"""The patches of a fixed grid are those of transformers' CLIP and SigLIP."""

import pytest
import torch
from transformers import CLIPVisionConfig, CLIPVisionModel, SiglipVisionConfig, SiglipVisionModel

from weft.pipelines.image_encoders.grid import ImageEncoder

TINY = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}


@pytest.mark.parametrize(("size", "patch"), [(64, 32), (224, 14), (56, 16)])
def test_the_placeholders_are_the_states_of_the_real_class(size: int, patch: int) -> None:
    image = torch.zeros(1, 3, size, size)
    siglip = SiglipVisionModel(SiglipVisionConfig(image_size=size, patch_size=patch, **TINY))
    clip = CLIPVisionModel(CLIPVisionConfig(image_size=size, patch_size=patch, **TINY))
    assert ImageEncoder(size=size, patch=patch).placeholders(640, 480) == siglip(image).last_hidden_state.shape[1]
    with_class = ImageEncoder(size=size, patch=patch, class_token=True)
    assert with_class.placeholders(9, 9) == clip(image).last_hidden_state.shape[1]


def test_a_patch_larger_than_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match="a patch of 32 pixels does not fit into an image of 16"):
        ImageEncoder(size=16, patch=32)
