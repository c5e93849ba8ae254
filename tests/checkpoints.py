"""Checkpoints made on the spot."""

from pathlib import Path

from transformers import HubertConfig


def small_hubert(hidden: int = 16, layers: int = 2, heads: int = 2, rate: int = 25) -> HubertConfig:
    """HuBERT's own design, whose convolutions step 320 samples (50 Hz) or 640 (25 Hz)."""
    strides, kernels = ([40, 4, 2], [320, 8, 4]) if rate == 50 else ([40, 4, 4], [320, 8, 8])
    return HubertConfig(
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=hidden * 4,
        conv_dim=[16, 16, 16],
        conv_stride=strides,
        conv_kernel=kernels,
        feat_extract_norm="layer",
        conv_bias=True,
        do_stable_layer_norm=True,
        num_conv_pos_embeddings=32,
        num_conv_pos_embedding_groups=8,
    )


COMMIT = "5a13" + 36 * "0"


def in_hub_cache(cache: Path, name: str, commit: str = COMMIT) -> Path:
    """Lays out what the hub's cache has of `main` after a download; the snapshot's folder."""
    home = cache / f"models--{name.replace('/', '--')}"
    (home / "refs").mkdir(parents=True, exist_ok=True)
    (home / "refs" / "main").write_text(commit)
    (home / "snapshots" / commit).mkdir(parents=True, exist_ok=True)
    return home / "snapshots" / commit
