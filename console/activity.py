"""Who ranked how much on each of the last days: the table of a project's home, counted to a bound."""

import datetime
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from annotation.counting import MOST, Bounded, of
from annotation.models import Project, Ranking

DAYS, PEOPLE = 14, 8


class Cell(NamedTuple):
    """The rankings of one day. ``shade`` is 0 for none and else 1 to 4, by its share of the table's largest cell."""

    day: datetime.date
    rankings: int
    shade: int


class Row(NamedTuple):
    """One annotator's days, or those of several: ``pseudonym`` is empty then."""

    name: str
    pseudonym: str
    simulated: bool
    cells: list[Cell]
    rankings: int


class Activity(NamedTuple):
    """The newest day is the last. ``rankings`` has more where older ones of these days are not counted any more."""

    days: list[datetime.date]
    rows: list[Row]
    rankings: Bounded


def of_project(project: Project) -> Activity | None:
    """Of the current collected rankings of the newest DAYS days, by those who made the most and the rest together, in
    one query; None where there are none.

    No more than the newest MOST are looked at, whatever the project holds.
    """
    today = timezone.localdate()
    days = [today - datetime.timedelta(days=before) for before in reversed(range(DAYS))]
    collected = Ranking.objects.current().collected().filter(project=project)
    newest = collected.order_by("-id").values("annotator_id", "created_at")[: MOST + 1]
    sql, values = newest.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT annotator.pseudonym, annotator.simulated, counted.* FROM ("  # noqa: S608 (Django wrote what is in it)
            f"SELECT annotator_id, (created_at AT TIME ZONE 'UTC')::date AS day, count(*) FROM ({sql}) newest "
            "GROUP BY 1, 2) counted JOIN annotation_annotator annotator ON annotator.id = annotator_id WHERE day >= %s",
            [*values, days[0]],
        )
        counted = cursor.fetchall()
    by_annotator: dict[tuple[str, bool], dict[datetime.date, int]] = {}
    for pseudonym, simulated, _, day, rankings in counted:
        by_annotator.setdefault((pseudonym, simulated), {})[day] = rankings
    if not by_annotator:
        return None
    busiest = sorted(by_annotator.items(), key=lambda one: (-sum(one[1].values()), one[0]))
    shown, others = busiest[:PEOPLE], [by_day for _, by_day in busiest[PEOPLE:]]
    simulated_others = sum(simulated for (_, simulated), _ in busiest[PEOPLE:])
    most = max(max(by_day.values()) for _, by_day in busiest)
    rows = [
        Row(pseudonym, pseudonym, simulated, _cells(days, by_day, most), sum(by_day.values()))
        for (pseudonym, simulated), by_day in shown
    ]
    if others:
        together = {day: sum(by_day.get(day, 0) for by_day in others) for day in days}
        name = f"{len(others)} other{'s' * (len(others) > 1)}"
        if simulated_others:
            name += f", {simulated_others} simulated"
        rows.append(Row(name, "", False, _cells(days, together, most), sum(together.values())))
    return Activity(days, rows, of(sum(row.rankings for row in rows)))


def _cells(days: list[datetime.date], by_day: dict[datetime.date, int], most: int) -> list[Cell]:
    return [Cell(day, by_day.get(day, 0), min(4, -(-4 * by_day.get(day, 0) // most))) for day in days]
