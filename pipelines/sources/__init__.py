"""Sources, one file each: where recordings, documents and dialogues come from."""
