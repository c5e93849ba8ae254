"""weft: interleaved speech-text training corpora, exact and audited, and training of speech language models on them."""

import os

# without it MKL may divide and order sums by how busy the machine is, and a model trained twice would differ in its last bits
os.environ.setdefault("MKL_CBWR", "AUTO")

__version__ = "0.1.0"
