"""Models that a corpus holds: what they are trained on, the work that makes them, and their folders."""
