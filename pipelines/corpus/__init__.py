"""A corpus as a whole: its recipe, what it should hold, whether its sources are there, and who may build it."""
