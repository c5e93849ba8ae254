"""Error messages about a recipe or a call, as shown to the user. It imports nothing, so that `weft --help` is quick."""


class TooLittleData(ValueError):
    """The recipe is right, and its sources do not give what it needs; the message says what is missing."""


class RecipeError(ValueError):
    """A recipe that cannot be used; the message says what, where (file and line) and what to do."""
