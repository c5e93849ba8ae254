"""Script writers, one file each: where the dialogues that are to be spoken come from."""
