"""Plots of small talk: pairs of lines of a human and an assistant, with the emotion of each line."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plot:
    """Small talk as pairs of lines, the human's and the assistant's: `begin`, up to two of `middle`, `end`.

    A line is "emotion: text" or "speed: text", or ": text" for one without; its slots hold one word for the whole dialogue.
    """

    slots: dict[str, tuple[str, ...]]
    begin: tuple[tuple[str, str], ...]
    middle: tuple[tuple[str, str], ...]
    end: tuple[tuple[str, str], ...]


PLOTS = (
    Plot(
        slots={"place": ("station", "library", "market", "beach"), "thing": ("keys", "gloves", "glasses", "tickets")},
        begin=(
            ("sad: I think I lost my {thing} at the {place}.", ": Oh no. When did you last see them?"),
            ("angry: Somebody took my {thing} at the {place}!", ": Are you sure, {first}? Maybe you dropped them."),
        ),
        middle=(
            (": I had them at {number} o'clock, just before lunch.", ": Then they cannot be far away."),
            ("sad: I already looked in every pocket twice.", ": Did you ask anyone at the {place}?"),
            ("fast1: What if somebody finds them and keeps them?", "slow1: Calm down. Most people are honest."),
        ),
        end=(
            ("happy: Wait, here they are, under my coat!", "happy: That is wonderful news, {first}."),
            (": Will you come back to the {place} with me?", ": Of course. We will find your {thing} together."),
        ),
    ),
    Plot(
        slots={"dish": ("soup", "fish", "pasta", "salad"), "day": ("Friday", "Saturday", "Sunday")},
        begin=(
            ("happy: I want to cook dinner for us on {day}.", "happy: What a lovely idea! What will you make?"),
            (": Are you free for dinner on {day}?", ": I think so. Are you cooking, {first}?"),
        ),
        middle=(
            (": I was thinking of {dish} with fresh bread.", "happy: I love {dish}. You know me well."),
            (": There will be {number} of us at the table.", "fast1: So many people? Then we need more chairs!"),
            ("coquettish: Only if you bring me something sweet.", "coquettish: Perhaps I will, if you ask me nicely."),
        ),
        end=(
            (": Please come at seven, and bring nothing.", ": I will be there. Thank you for the invitation."),
            ("happy: Then it is settled. {day} at seven!", "happy: I can hardly wait for your {dish}."),
        ),
    ),
    Plot(
        slots={"reason": ("the snow", "a broken engine", "the heavy traffic"), "ride": ("train", "bus", "taxi")},
        begin=(
            ("angry: The {ride} is late again!", ": They said it is because of {reason}."),
            ("angry: I have been waiting here for {number} minutes.", ": I am sorry. The {ride} is stuck, I heard."),
        ),
        middle=(
            ("angry: They always blame {reason}. I am tired of it.", "slow1: Being upset will not make it faster."),
            ("sad: I am going to miss my meeting.", ": Call them, {first}. They will understand."),
            (": How far would it be to walk?", ": About {number} miles. I would not try it."),
        ),
        end=(
            ("happy: Look, here it comes at last!", "happy: You see? Let us find a good seat."),
            (": I suppose we just have to wait.", ": Let me buy you a cup of tea while we do."),
        ),
    ),
    Plot(
        slots={"pet": ("dog", "cat", "rabbit", "parrot"), "pet_name": ("Max", "Daisy", "Oscar", "Bella")},
        begin=(
            ("happy: Guess what, we have a new {pet}!", "happy: Really? What is the name of the little one?"),
            ("sad: Our {pet} has not eaten for {number} hours.", ": Poor {pet_name}. Did you call the doctor?"),
        ),
        middle=(
            (": {pet_name} sleeps under the kitchen table all day.", "happy: That sounds like a very happy {pet}."),
            ("fast1: And then {pet_name} ran straight out of the door!", "fast2: No! Did you catch the {pet} in time?"),
            ("slow1: It takes a lot of patience, you know.", ": I know. We had a {pet} when I was small."),
        ),
        end=(
            ("happy: You should come and play with {pet_name}.", "happy: I would love to. How about tomorrow?"),
            (": I had better go home and feed {pet_name}.", ": Give the {pet} a hug from me."),
        ),
    ),
    Plot(
        slots={"exam": ("history", "music", "biology", "English"), "month": ("March", "June", "October")},
        begin=(
            ("sad: I am afraid I failed the {exam} test.", ": What makes you think so, {first}?"),
            ("happy: I passed the {exam} test!", "happy: Well done, {first}! I am so proud of you."),
        ),
        middle=(
            (": There were {number} questions and so little time.", ": Everybody said it was hard this year."),
            ("angry: We never had half of it in class!", "slow1: That is not fair. You should tell the teacher."),
            ("sad: I studied every night since {month}.", ": Then it was worth it, whatever they say."),
        ),
        end=(
            (": The next test is in {month}.", "happy: I will help you to prepare for it."),
            (": Thank you for listening.", ": Any time. Now let us talk of something else."),
        ),
    ),
    Plot(
        slots={"trip": ("the mountains", "the coast", "the old city"), "item": ("tent", "camera", "map", "raincoat")},
        begin=(
            ("happy: We are leaving for {trip} tomorrow!", "happy: How exciting! How long will you stay?"),
            (": Have you ever been to {trip}?", ": Once, about {number} years ago. Why?"),
        ),
        middle=(
            (": Could I borrow your {item} for the journey?", ": Yes, but please be careful with it."),
            ("coquettish: You could come along and carry my bags.", "coquettish: Only if you sing to me on the way."),
            ("slow2: I just want to sit there and do nothing at all.", "slow1: That sounds like heaven to me."),
        ),
        end=(
            (": I will send you a picture from {trip}.", ": Please do, and do not forget your {item}."),
            ("sad: I will miss you, {second}.", "sad: I will miss you too. Come back soon."),
        ),
    ),
    Plot(
        slots={"noise": ("drums", "hammer", "radio", "party"), "floor": ("second", "third", "fourth")},
        begin=(
            (
                "angry: Can you hear the {noise} from the {floor} floor?",
                "angry: I can. It has been like this all week!",
            ),
            (": I am sorry to ask, but is that your {noise}?", ": Oh, is it too loud? I did not notice."),
        ),
        middle=(
            ("angry: I lay awake for {number} hours and could not sleep!", "sad: I feel bad for you, {first}."),
            (": Somebody should write them a polite letter.", ": Or we could simply knock on the door."),
            ("fast2: I have to get up at five and work until eight!", "slow1: Then you need your sleep, of course."),
        ),
        end=(
            ("happy: Listen. The {noise} has stopped!", "happy: At last. Good night, {first}."),
            (": Let us go up there and talk to them.", ": All right, but let me do the talking."),
        ),
    ),
    Plot(
        slots={"gift": ("scarf", "book", "guitar", "watch"), "who": ("mother", "brother", "sister", "uncle")},
        begin=(
            (": I need a present for my {who}.", ": What about a {gift}?"),
            ("happy: My {who} has a birthday next week!", "happy: Then we must find a fine present."),
        ),
        middle=(
            (": A {gift} may be too expensive for me.", ": We could pay for it together."),
            ("sad: Last year I forgot the birthday completely.", "slow1: I remember. It was a quiet evening."),
            ("coquettish: You always know what people like.", "coquettish: It is a gift, my dear."),
        ),
        end=(
            ("happy: A {gift} it is, then. Thank you, {second}!", "happy: Your {who} is going to love it."),
            (": I will think about it until tomorrow.", ": Do not wait too long. The shops close early."),
        ),
    ),
)
