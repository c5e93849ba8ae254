"""What tokenizers compute from samples: mels, MFCC, F0, and how frames lie on them."""
