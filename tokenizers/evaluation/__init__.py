"""Measures of what the codes of a tokenizer tell."""
