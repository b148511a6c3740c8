"""What a reader of a text could not see, made visible: a judgement must not hang on what only a program reads.

Shown as themselves: what letters and emoji need (joiners, variation selectors, marks of direction, soft hyphens),
as long as few of them stand together.
"""

import re

# Embeddings, overrides and isolates reorder what follows; a plain text needs none (each block finds its direction).
_REORDERING = "\u202a-\u202e\u2066-\u2069"
# C0 without tab, line feed and carriage return, DEL, C1: terminals obey them, browsers show nothing.
_CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
# Nothing is drawn for these: zero width spaces and joiners, fillers, variation selectors, tags.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u206a-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# A flag is written with six tags and their end; no script and no emoji needs more in a row.
_MOST_TOGETHER = 7
# Marks above and below letters: stacked higher, they cover the lines around them, and drawing thousands takes seconds.
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_HIDDEN = re.compile(
    f"(?P<reordering>[{_REORDERING}])|(?P<control>[{_CONTROLS}])"
    f"|(?P<invisible>[{_INVISIBLE}]{{{_MOST_TOGETHER + 1},}})|(?P<stacked>[{_MARKS}]{{{_MOST_TOGETHER + 1},}})"
)


def visible(text: str) -> str:
    """``text`` with a sign for each control and reordering character, and for each run of invisible ones or marks."""
    return _HIDDEN.sub(_sign, text)


def _sign(match: re.Match[str]) -> str:
    characters = match.group()
    if match.lastgroup in {"invisible", "stacked"}:
        what = "invisible characters" if match.lastgroup == "invisible" else "marks"
        return f"⟦{len(characters):,} {what}⟧"
    code = ord(characters)
    if code < 0x20:
        return chr(0x2400 + code)  # the pictures of C0, as ␛
    return "␡" if code == 0x7F else f"⟦U+{code:04X}⟧"
