"""Files that say when words are said: read as given timing, written as the aligner's result."""
