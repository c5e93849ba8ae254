"""What is done around segmenters: supervisions are checked, and become utterances."""
