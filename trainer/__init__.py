"""Loader, model, objective and checkpoints of the reference trainer."""
