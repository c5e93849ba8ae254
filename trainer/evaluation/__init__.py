"""What a network has learnt, measured on held-out samples after every stage: losses by what is given, and what they cost the text."""
