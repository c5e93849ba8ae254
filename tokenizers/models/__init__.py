"""Networks, codebooks and the folders that hold them, shared by several tokenizers."""
