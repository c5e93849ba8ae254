"""The backends that a recipe chooses: found by name, made with their settings, and checked against each other."""
