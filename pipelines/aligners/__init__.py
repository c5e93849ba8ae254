"""Word aligners, one file each: audio and words in, word times and scores out."""
