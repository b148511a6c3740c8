"""What can be said of a walk, and the prompt that lists it."""

from collections.abc import Mapping

INSTRUCTION = "Describe this walk:"

# The facts of a walk by label, in the order of the prompt. "name" is always there.
Facts = Mapping[str, str]

LENGTHS = {
    "2 km": "two",
    "3 km": "three",
    "4 km": "four",
    "5 km": "five",
    "6 km": "six",
    "7 km": "seven",
    "8 km": "eight",
    "9 km": "nine",
    "10 km": "ten",
    "11 km": "eleven",
    "12 km": "twelve",
    "14 km": "fourteen",
}

# What each label but "name" may say. The words of one label never state another.
VALUES: Mapping[str, tuple[str, ...]] = {
    "length": tuple(LENGTHS),
    "effort": ("easy", "moderate", "hard"),
    "ground": (
        "woodland paths",
        "gravel tracks",
        "grassy banks",
        "sandy paths",
        "quiet lanes",
        "stony tracks",
        "wooden boardwalks",
        "field paths",
        "canal towpaths",
        "cobbled lanes",
        "chalk paths",
    ),
    "sight": (
        "ruined abbey",
        "old windmill",
        "waterfall",
        "stone circle",
        "heron colony",
        "lighthouse",
        "cider orchard",
        "railway viaduct",
        "deer park",
        "lavender farm",
        "walled garden",
        "rope bridge",
        "castle tower",
        "yew maze",
        "oak avenue",
        "hill fort",
        "seal beach",
        "wishing well",
    ),
    "stop": (
        "tea room",
        "farm shop",
        "riverside inn",
        "bakery",
        "ice-cream kiosk",
        "picnic lawn",
        "pancake house",
    ),
    "start": (
        "railway station",
        "village green",
        "church gate",
        "old quay",
        "market square",
        "forest car park",
    ),
    "best in": ("spring", "summer", "autumn", "winter"),
    "dogs": ("welcome", "on a lead", "not allowed"),
    "pushchairs": ("yes", "no"),
}
LABELS = ("name", *VALUES)

# A name is one word of each: 44 x 28 x 6 = 7,392 names.
# fmt: off
FIRST_WORDS = (
    "Abbot", "Alder", "Amber", "Aspen", "Badger", "Barley", "Bishop", "Bramble", "Clover", "Copper",
    "Curlew", "Drover", "Falcon", "Ferry", "Fox", "Foxglove", "Gorse", "Hare", "Hazel", "Heron",
    "Holly", "Ivy", "Juniper", "Kestrel", "Lantern", "Linnet", "Magpie", "Maple", "Miller", "Moss",
    "Nettle", "Otter", "Plover", "Rowan", "Saffron", "Shepherd", "Silver", "Sorrel", "Sparrow",
    "Swallow", "Thistle", "Weaver", "Willow", "Wren",
)
SECOND_WORDS = (
    "Barrow", "Brook", "Combe", "Cross", "Dale", "Down", "Edge", "Fell", "Field", "Ford", "Glen",
    "Grove", "Hill", "Hollow", "Marsh", "Mead", "Moor", "Nook", "Pool", "Ridge", "Rise", "Shaw",
    "Spinney", "Tarn", "Thorn", "Vale", "Warren", "Wood",
)
# fmt: on
KINDS = ("Circuit", "Loop", "Path", "Round", "Trail", "Way")


def prompt_text(facts: Facts) -> str:
    """The prompt: the instruction, then one fact a line."""
    return "\n".join([INSTRUCTION, *(f"- {label}: {facts[label]}" for label in LABELS if label in facts)])


def facts_of(prompt: str) -> dict[str, str]:
    """The facts that ``prompt_text`` listed. Raises ValueError for any other text."""
    lines = [line.removeprefix("- ").partition(": ") for line in prompt.splitlines() if line.startswith("- ")]
    facts = {label: value for label, _, value in lines}
    if prompt != prompt_text(facts):
        raise ValueError(f"this is not a prompt of the demo: {prompt[:80]!r}")
    return facts
