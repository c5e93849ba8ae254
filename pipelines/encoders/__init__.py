"""Audio encoders, one file each: how many placeholder tokens stand for latent audio."""
