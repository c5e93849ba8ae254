"""Files of word times: read as given timing, written as the aligner's result."""
