"""Image encoders, one file each: how many placeholder tokens stand for an image."""
