"""Sentences that are spoken for tests of aligners."""

LINES = (
    "The boats came home before the storm",
    "She keeps her keys in a small brown jar",
    "Nobody noticed the clock had stopped",
    "Fresh bread and cheese make a good lunch",
    "He painted the fence green last summer",
    "Thirty people waited outside the old theatre",
    "My brother plays the violin every evening",
    "The river was too cold for swimming",
    "A red kite flew over the quiet valley",
    "They measured the width of the kitchen table",
    "Please shut the window when you leave",
    "The doctor arrived with good news at noon",
)
