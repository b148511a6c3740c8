"""Figures as points of an SVG picture: the server computes, the template draws, no script is needed."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from console import figures

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
    rows: Sequence[tuple[str, Figure | None]],
    *,
    least: float,
    most: float,
    reference: float | None = None,
    parts: int = 4,
) -> Dots | None:
    """Shares one under another, in percent, on an axis of so many ``parts``; values beyond it stand at its end. None
    where there is nothing to draw."""
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
        drawn.append(Dot(label, y, place(figure["value"]), ends[0], ends[1], figures.percent(figure)))
    marked = (least + (most - least) * part / parts for part in range(parts + 1))
    ticks = [(place(value), f"{100 * value:g}%") for value in marked]
    return Dots(ROW * len(known) + BOTTOM, drawn, ticks, None if reference is None else place(reference))


def line(
    values: Sequence[tuple[str, Figure | None]], *, least: float, most: float, in_percent: bool = False
) -> Line | None:
    """A value over weeks; a share is told ``in_percent``. None for fewer than two."""
    known = [(week, figure) for week, figure in values if figure is not None]
    if len(known) < 2:
        return None
    step = (WIDTH - LEFT - 16) / (len(known) - 1)

    def height(value: float) -> float:
        share = (min(max(value, least), most) - least) / (most - least)
        return round(8 + (1 - share) * (HEIGHT - BOTTOM - 8), 1)

    in_words = figures.percent if in_percent else _words
    points = []
    for number, (week, figure) in enumerate(known):
        low, high = figure["interval"] or (None, None)
        ends = [None if end is None else height(end) for end in (low, high)]
        x = round(LEFT + step * number, 1)
        points.append(Point(x, height(figure["value"]), ends[0], ends[1], f"{week}: {in_words(figure)}"))
    upper = [(point.x, point.high) for point in points if point.high is not None]
    lower = [(point.x, point.low) for point in points if point.low is not None]
    every = max(1, -(-len(known) // 6))
    return Line(
        points,
        " ".join(f"{point.x},{point.y}" for point in points),
        " ".join(f"{x},{y}" for x, y in [*upper, *reversed(lower)]),
        [(point.x, week) for point, (week, _) in list(zip(points, known, strict=True))[::every]],
        [
            (height(value), f"{100 * value:g}%" if in_percent else f"{value:g}")
            for value in (least + (most - least) * part / 4 for part in range(5))
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
        [(HEIGHT - BOTTOM - height(most * part / 4), f"{most * part / 4:,g}") for part in range(5)],
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
    x_ticks, y_ticks = _ticks([value[1] for value in values]), _ticks([value[2] for value in values])

    def across(value: float) -> float:
        low, high = x_ticks[0], x_ticks[-1]
        return round(LEFT + (WIDTH - LEFT - 40) * (value - low) / (high - low), 1)

    def up(value: float) -> float:
        low, high = y_ticks[0], y_ticks[-1]
        return round(12 + (HEIGHT - BOTTOM - 20) * (1 - (value - low) / (high - low)), 1)

    return Scatter(
        [Mark(label, across(x), up(y), marked, words) for label, x, y, marked, words in values],
        [(across(tick), f"{tick:g}") for tick in x_ticks],
        [(up(tick), f"{tick:g}") for tick in y_ticks],
    )


def _ticks(values: Sequence[float]) -> list[float]:
    """Four to seven round numbers around the values, zero among them."""
    low, high = min(0.0, *values), max(0.0, *values)
    power = 10.0 ** math.floor(math.log10(max(high - low, 1e-6) / 4))
    step = next(power * part for part in (1, 2, 5, 10) if (high - low) / (power * part) <= 5)
    first, last = math.floor(low / step), max(math.ceil(high / step), math.floor(low / step) + 1)
    return [round(step * number, 10) for number in range(first, last + 1)]


def _round_up(value: float) -> float:
    """To a number that four steps divide into whole ones."""
    power = 10 ** max(0, len(str(int(value))) - 2)
    return float(4 * power * -(-max(value, 1) // (4 * power)))


class Calibration(NamedTuple):
    """``points`` of what a model says against what is so; ``path`` joins them, ``diagonal`` is where they are equal."""

    points: list[Point]
    path: str
    diagonal: tuple[float, float, float, float]
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]


def calibration(bins: Sequence[Mapping[str, float]]) -> Calibration | None:
    """Of a reward model's report: how sure it is of a pair, from 1/2 to 1, and how often it is right then."""
    if not bins:
        return None

    def across(value: float) -> float:
        return round(LEFT + (WIDTH - LEFT - 16) * (value - 0.5) * 2, 1)

    def up(value: float) -> float:
        return round(8 + (1 - value) * (HEIGHT - BOTTOM - 8), 1)

    points = [
        Point(
            across(one["confidence"]),
            up(one["accuracy"]),
            None,
            None,
            f"says {figures.points(one['confidence'])}%, right in {figures.points(one['accuracy'])}% "
            f"of {one['pairs']:,} pairs",
        )
        for one in bins
    ]
    return Calibration(
        points,
        " ".join(f"{point.x},{point.y}" for point in points),
        (across(0.5), up(0.5), across(1), up(1)),
        [(across(value), f"{100 * value:g}%") for value in (0.5, 0.6, 0.7, 0.8, 0.9, 1)],
        [(up(value), f"{100 * value:g}%") for value in (0, 0.25, 0.5, 0.75, 1)],
    )
