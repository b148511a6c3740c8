"""A length of time in words."""

_UNITS = (("day", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def in_words(seconds: float) -> str:
    """Two units at most: 45 s, 3 min 20 s, 2 h 5 min, 1 day 4 h."""
    rest = round(seconds)
    largest = next((number for number, (_, size) in enumerate(_UNITS) if rest >= size), len(_UNITS) - 1)
    # What the second unit does not show is rounded, not cut.
    smallest = _UNITS[min(largest + 1, len(_UNITS) - 1)][1]
    rest = round(rest / smallest) * smallest
    counts = []
    for name, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            counts.append(f"{count} {name}{'s' if name == 'day' and count > 1 else ''}")
    return " ".join(counts) or "0 s"
