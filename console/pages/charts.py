"""Figures as points of an SVG picture: the server computes, the template draws, no script is needed."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

# The picture's own units; the page scales it to its width.
WIDTH, ROW, LABELS = 440, 28, 130
HEIGHT, LEFT, BOTTOM = 200, 44, 24

Figure = Mapping[str, Any]


class Dot(NamedTuple):
    """A value with its interval, on a row with a label: ``x`` of the value, ``low`` and ``high`` of its ends."""

    label: str
    y: float
    x: float
    low: float | None
    high: float | None
    words: str


class Dots(NamedTuple):
    """``ticks`` are (x, text); ``reference`` is the x of a value to compare with."""

    height: float
    rows: list[Dot]
    ticks: list[tuple[float, str]]
    reference: float | None


class Point(NamedTuple):
    """One week's value."""

    x: float
    y: float
    low: float | None
    high: float | None
    words: str


class Line(NamedTuple):
    """``path`` joins the values; ``band`` is the interval around them; ticks are (place, text)."""

    points: list[Point]
    path: str
    band: str
    weeks: list[tuple[float, str]]
    ticks: list[tuple[float, str]]


def dots(
    rows: Sequence[tuple[str, Figure | None]], *, least: float, most: float, reference: float | None = None
) -> Dots | None:
    """Rows one under another; values beyond the range stand at its end. None where there is nothing to draw."""
    known = [(label, figure) for label, figure in rows if figure is not None]
    if not known:
        return None

    def place(value: float) -> float:
        share = (min(max(value, least), most) - least) / (most - least)
        return round(LABELS + share * (WIDTH - LABELS - 16), 1)

    drawn = []
    for number, (label, figure) in enumerate(known):
        low, high = figure["interval"] or (None, None)
        y = ROW * number + ROW / 2
        ends = [None if end is None else place(end) for end in (low, high)]
        drawn.append(Dot(label, y, place(figure["value"]), ends[0], ends[1], _words(figure)))
    ticks = [
        (place(least + (most - least) * part / 4), f"{least + (most - least) * part / 4:g}")
        for part in range(5)
    ]
    return Dots(ROW * len(known) + BOTTOM, drawn, ticks, None if reference is None else place(reference))


def line(values: Sequence[tuple[str, Figure | None]], *, least: float, most: float) -> Line | None:
    """A value over weeks. None for fewer than two."""
    known = [(week, figure) for week, figure in values if figure is not None]
    if len(known) < 2:
        return None
    step = (WIDTH - LEFT - 16) / (len(known) - 1)

    def height(value: float) -> float:
        share = (min(max(value, least), most) - least) / (most - least)
        return round(8 + (1 - share) * (HEIGHT - BOTTOM - 8), 1)

    points = []
    for number, (week, figure) in enumerate(known):
        low, high = figure["interval"] or (None, None)
        ends = [None if end is None else height(end) for end in (low, high)]
        x = round(LEFT + step * number, 1)
        points.append(Point(x, height(figure["value"]), ends[0], ends[1], f"{week}: {_words(figure)}"))
    upper = [(point.x, point.high) for point in points if point.high is not None]
    lower = [(point.x, point.low) for point in points if point.low is not None]
    every = max(1, -(-len(known) // 6))
    return Line(
        points,
        " ".join(f"{point.x},{point.y}" for point in points),
        " ".join(f"{x},{y}" for x, y in [*upper, *reversed(lower)]),
        [(point.x, week) for point, (week, _) in list(zip(points, known, strict=True))[::every]],
        [
            (height(least + (most - least) * part / 4), f"{least + (most - least) * part / 4:g}")
            for part in range(5)
        ],
    )


def _words(figure: Figure) -> str:
    text = f"{figure['value']:.3f}"
    if figure["interval"]:
        low, high = figure["interval"]
        text += f" ({low:.3f} to {high:.3f})"
    return text


class Bar(NamedTuple):
    """One week's count."""

    x: float
    y: float
    height: float
    words: str


class Bars(NamedTuple):
    """``bar`` is their width; ticks are (place, text)."""

    bars: list[Bar]
    bar: float
    weeks: list[tuple[float, str]]
    ticks: list[tuple[float, str]]


def bars(values: Sequence[tuple[str, float]]) -> Bars | None:
    """A count over weeks, from zero. None where there is none."""
    if not values:
        return None
    most = _round_up(max(value for _, value in values))
    step = (WIDTH - LEFT - 8) / max(len(values), 8)
    every = max(1, -(-len(values) // 6))

    def height(value: float) -> float:
        return round((HEIGHT - BOTTOM - 8) * value / most, 1)

    drawn = [
        Bar(
            round(LEFT + step * number, 1),
            HEIGHT - BOTTOM - height(value),
            height(value),
            f"{week}: {value:,.0f}",
        )
        for number, (week, value) in enumerate(values)
    ]
    return Bars(
        drawn,
        round(step * 0.8, 1),
        [
            (round(one.x + step * 0.4, 1), week)
            for one, (week, _) in list(zip(drawn, values, strict=True))[::every]
        ],
        [(HEIGHT - BOTTOM - height(most * part / 4), f"{most * part / 4:g}") for part in range(5)],
    )


class Mark(NamedTuple):
    """One version: where it stands, and what is said of it."""

    label: str
    x: float
    y: float
    marked: bool
    words: str


class Scatter(NamedTuple):
    """Ticks are (place, text)."""

    marks: list[Mark]
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]


def scatter(values: Sequence[tuple[str, float, float, bool, str]]) -> Scatter | None:
    """Versions as (label, across, up, whether it is the one in use, words). None for fewer than two."""
    if len(values) < 2:
        return None
    x_low, x_high = _range([value[1] for value in values])
    y_low, y_high = _range([value[2] for value in values])

    def across(value: float) -> float:
        return round(LEFT + (WIDTH - LEFT - 40) * (value - x_low) / (x_high - x_low), 1)

    def up(value: float) -> float:
        return round(12 + (HEIGHT - BOTTOM - 20) * (1 - (value - y_low) / (y_high - y_low)), 1)

    ends = [part / 4 for part in range(5)]
    return Scatter(
        [Mark(label, across(x), up(y), marked, words) for label, x, y, marked, words in values],
        [(across(x_low + (x_high - x_low) * end), f"{x_low + (x_high - x_low) * end:.3g}") for end in ends],
        [(up(y_low + (y_high - y_low) * end), f"{y_low + (y_high - y_low) * end:.3g}") for end in ends],
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    """From the least to the most with some room, zero among them."""
    low, high = min(0.0, *values), max(0.0, *values)
    room = (high - low) * 0.08 or 1.0
    return (low - room if low < 0 else 0.0), high + room


def _round_up(value: float) -> float:
    """To a number that four steps divide into whole ones."""
    power = 10 ** max(0, len(str(int(value))) - 2)
    return float(4 * power * -(-max(value, 1) // (4 * power)))
