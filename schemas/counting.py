"""Counts in words: one of a thing is not "1 things".

>>> counted(1, "item"), counted(1200, "item"), counted(2, "pass", "passes")
('1 item', '1,200 items', '2 passes')
"""


def counted(count: float, one: str, many: str = "") -> str:
    """The count, whole, with the noun that fits it; `many` where an s does not make the plural."""
    return f"{count:,.0f} {one if round(count) == 1 else many or f'{one}s'}"


def are(count: float) -> str:
    """The verb that fits a count."""
    return "is" if round(count) == 1 else "are"
