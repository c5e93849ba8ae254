"""Voices, one file each: text in, audio and word times out."""
