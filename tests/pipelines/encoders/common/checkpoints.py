"""Small checkpoints of the encoders, with random weights: those of transformers, and one as Step-Audio 2 publishes its own."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import gelu, softmax
from transformers import (
    PreTrainedModel,
    Qwen2AudioConfig,
    Qwen2AudioEncoderConfig,
    Qwen2AudioForConditionalGeneration,
    WhisperConfig,
    WhisperForConditionalGeneration,
)

BANDS, WIDTH, HEADS, LAYERS = 80, 16, 2, 2


def whisper(folder: Path) -> PreTrainedModel:
    torch.manual_seed(1)
    config = WhisperConfig(d_model=WIDTH, encoder_layers=LAYERS, encoder_attention_heads=HEADS, encoder_ffn_dim=32,
                           decoder_layers=1, decoder_attention_heads=1, decoder_ffn_dim=8, num_mel_bins=BANDS, vocab_size=8,
                           pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=0)  # fmt: skip
    return _saved(WhisperForConditionalGeneration(config), folder)


def qwen2_audio(folder: Path) -> PreTrainedModel:
    torch.manual_seed(2)
    encoder = Qwen2AudioEncoderConfig(
        d_model=WIDTH, encoder_layers=LAYERS, encoder_attention_heads=HEADS, encoder_ffn_dim=32, num_mel_bins=BANDS
    )
    text = {"model_type": "qwen2", "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 16}  # fmt: skip
    config = Qwen2AudioConfig(audio_config=encoder.to_dict(), text_config=text, audio_token_index=9)
    return _saved(Qwen2AudioForConditionalGeneration(config), folder)


def _saved(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    for weight in model.parameters():  # at their own scale the blocks would change next to nothing
        nn.init.normal_(weight, std=0.2)
    model.eval().save_pretrained(folder)
    return model


class Block(nn.Module):
    """A block of the published encoder, by its names."""

    def __init__(self) -> None:
        super().__init__()
        self.attn = nn.ModuleDict(
            {name: nn.Linear(WIDTH, WIDTH, bias=name != "key") for name in ("query", "key", "value", "out")}
        )
        self.attn_ln, self.mlp_ln = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, states_BTE: Tensor, bias_B1T: Tensor) -> Tensor:
        normed = self.attn_ln(states_BTE)
        query, key, value = (
            self.attn[name](normed).unflatten(-1, (HEADS, -1)).transpose(1, 2) for name in ("query", "key", "value")
        )
        scores = query @ key.transpose(2, 3) / (WIDTH // HEADS) ** 0.5 + bias_B1T[:, None]
        states_BTE = states_BTE + self.attn["out"]((softmax(scores, -1) @ value).transpose(1, 2).flatten(2))
        return states_BTE + self.mlp(self.mlp_ln(states_BTE))


class StepAudioEncoder(nn.Module):
    """What Step-Audio 2's published code computes of one clip: mels (1, bands, T), of which `length` are of audio."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(BANDS, WIDTH, 3, padding=1)
        self.conv2 = nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.positional_embedding = nn.Embedding(1500, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.after_norm = nn.LayerNorm(WIDTH)

    def forward(self, mels_1MT: Tensor, length: int) -> Tensor:
        count = mels_1MT.shape[-1]
        states = gelu(self.conv2(gelu(self.conv1(mels_1MT)))).transpose(1, 2)
        seen_T = (torch.arange(count) < length)[(count + 1) % 2 :: 2]
        states = states + self.positional_embedding.weight[: states.shape[1]]
        for block in self.blocks:
            states = block(states, (1.0 - seen_T.float())[None, None] * -1e10)
        pooled = nn.functional.avg_pool1d(states.transpose(1, 2), 2, stride=2).transpose(1, 2)
        return self.after_norm(pooled)[0, : (length + 1) // 2 // 2]


def step_audio(folder: Path) -> StepAudioEncoder:
    torch.manual_seed(3)
    encoder = StepAudioEncoder()
    for weight in encoder.parameters():
        nn.init.normal_(weight, std=0.2)
    tensors = {f"encoder.{name}": weight.to(torch.bfloat16) for name, weight in encoder.state_dict().items()}
    encoder.load_state_dict({name.removeprefix("encoder."): weight.float() for name, weight in tensors.items()})
    others = {"adapter.conv.weight": torch.zeros(2, 2, 3), "model.embed_tokens.weight": torch.zeros(4, 2)}
    folder.mkdir(exist_ok=True)
    save_file({**tensors, **others}, folder / "model-00001-of-00001.safetensors")
    own = {"n_mels": BANDS, "n_audio_ctx": 1500, "n_audio_state": WIDTH, "n_audio_head": HEADS, "n_audio_layer": LAYERS,
           "llm_dim": 2, "kernel_size": 3, "adapter_stride": 2}  # fmt: skip
    code = {"AutoModelForCausalLM": "modeling_step_audio_2.StepAudio2ForCausalLM"}
    config = {"model_type": "step_audio_2", "auto_map": code, "audio_encoder_config": own}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "modeling_step_audio_2.py").write_text("raise SystemExit('its code was run')")
    return encoder.eval()


def read_weights(folder: Path) -> dict[str, Tensor]:
    return load_file(next(folder.glob("*.safetensors")))


def write_weights(folder: Path, tensors: dict[str, Tensor]) -> None:
    save_file(tensors, next(folder.glob("*.safetensors")), metadata={"format": "pt"})
