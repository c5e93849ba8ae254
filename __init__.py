"""weft: interleaved speech-text training corpora, exact and audited, and the models they are for."""

__version__ = "0.1.0"
