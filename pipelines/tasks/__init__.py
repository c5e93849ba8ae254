"""Tasks, one file each: how an utterance or document becomes a training sample."""
