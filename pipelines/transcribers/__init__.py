"""Transcribers, one file each: the text of utterances that came without one."""
