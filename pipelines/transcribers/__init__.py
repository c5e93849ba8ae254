"""Transcribers, one file each: what is said in an utterance that came without a text."""
