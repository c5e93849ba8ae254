"""A corpus on disk: files written whole or not at all, reads that are tried again, one build at a time."""
