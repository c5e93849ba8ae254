"""The network that is trained: a causal LM, and the adaptors of its encoders."""
