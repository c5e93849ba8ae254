"""Training loops, losses and settings that several tokenizers share."""
