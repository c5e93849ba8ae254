"""The parts of the grammar: its words, its sentences, and its dialogues."""
