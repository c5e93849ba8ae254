"""Segmenters, one file each: where speech lies in a long recording."""
