"""What is wrong with a recipe or a call, as the user is told it; it imports nothing, so that `weft --help` is quick."""


class RecipeError(ValueError):
    """A recipe that cannot be used; the message says what, where (file and line) and what to do."""
