"""What talks with tools are about: cities, what can be looked up, voices and how they speak, and talk that needs no tool.

PAGES["the longest river"]  ->  "The Nile is often called the longest river."
"""

CITIES = (
    "Oslo", "Rome", "Paris", "Madrid", "Vienna", "Berlin", "Lisbon", "Dublin", "Athens", "Prague", "London", "Boston", "Denver",
    "Chicago", "Toronto", "Cairo", "Tokyo", "Sydney", "Moscow", "Warsaw", "Zurich", "Milan", "Bergen", "Geneva",
)  # fmt: skip
VOICES = {
    "Clara": "woman", "Walter": "man", "Ida": "girl", "Paul": "sports reporter", "Theo": "boy", "Martha": "teacher",
}  # fmt: skip
MANNERS = {"calm": "slow", "tired": "slow", "old": "slow", "cheerful": "fast", "busy": "fast", "excited": "fast"}
PAGES = {
    "the tallest mountain": "Mount Everest is the tallest mountain.",
    "the longest river": "The Nile is often called the longest river.",
    "the largest ocean": "The Pacific is the largest ocean.",
    "the capital of Norway": "Oslo is the capital of Norway.",
    "the fastest animal": "The falcon is the fastest animal.",
    "the largest animal": "The blue whale is the largest animal.",
    "the tallest animal": "The giraffe is the tallest animal.",
    "the largest planet": "Jupiter is the largest planet.",
    "the nearest star": "The sun is the nearest star.",
    "the hottest planet": "Venus is the hottest planet.",
    "the capital of Italy": "Rome is the capital of Italy.",
    "the capital of France": "Paris is the capital of France.",
    "the capital of Japan": "Tokyo is the capital of Japan.",
    "the capital of Egypt": "Cairo is the capital of Egypt.",
    "the inventor of the telephone": "Alexander Bell is called the inventor of the telephone.",
    "the largest desert of sand": "The Sahara is the largest desert of sand.",
    "the smallest continent": "Australia is the smallest continent.",
    "the number of planets": "There are eight planets.",
    "the height of the Eiffel Tower": "The Eiffel Tower is 330 meters high.",
    "the first man on the moon": "Neil Armstrong was the first man on the moon.",
}
TALK = {
    "Hello, how are you?": "I am fine, thank you. What can I do for you?",
    "Thank you for your help.": "You are welcome.",
    "Please tell me a short joke.": "Why did the book go to the doctor? It had lost its place.",
    "Good morning.": "Good morning. I hope that you slept well.",
    "Good night.": "Good night. Sleep well.",
    "What can you do?": "I can look things up, speak in other voices, and tell you the weather and the day.",
    "I am bored.": "Then let us play a game of questions.",
    "Do you like music?": "I like to hear about it. What do you listen to?",
    "I am hungry.": "Then it is time for a good meal.",
    "Please count to three.": "One, two, three.",
    "Can you keep a secret?": "I do my best. What is it?",
    "I am tired today.": "Then take a rest. I will be here.",
}
