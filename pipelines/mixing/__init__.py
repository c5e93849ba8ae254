"""Mixtures: the order of draws, the tars that hold them, their index, and the audit of it all."""
