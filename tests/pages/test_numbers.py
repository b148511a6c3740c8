"""Numbers of the researcher's pages against queries in SQL that ask the database in another way than the pages do."""

import random
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotation import people
from annotation.collecting import flags, queue, ranking
from annotation.models import Annotator
from annotation.quality import upkeep
from console import activity
from console.data.kinds import KINDS
from rewardmodel import scoring
from rewardmodel.models import RewardModelVersion
from rewardmodel.scoring import Score
from rltrainer.models import PolicyVersion
from runs.models import Run
from tests.annotation.factories import make_annotator, make_tasks, put
from tests.annotation.factories import ranking as ranking_line
from tests.pages.cast import Cast, make_cast
from tests.pages.factories import make_transfer
from tests.rltrainer.factories import make_policy, make_reward_model, make_snapshot
from tests.worlds import once_a_module

pytestmark = [pytest.mark.django_db, pytest.mark.long]
TASKS, PEOPLE = 12, 3


def judged() -> Cast:
    """Two projects in which people rank by chance, so that no figure is a round one, and pass, flag and refuse."""
    cast, rng = make_cast(), random.Random(7)
    for project in (cast.project, cast.other):
        project.annotators_per_task = PEOPLE
        project.save()
        make_tasks(project, TASKS, completions=3)
        put(project, "demonstrations", *({"prompt": f"Write {n}.", "completion": "Yes."} for n in range(4)))
        for _ in range(PEOPLE):
            judge(make_annotator(project), rng)
        upkeep.count(project=project, most=1000)
    return cast


_rows, cast = once_a_module(judged)


def judge(annotator: Any, rng: random.Random) -> None:
    skipped = False
    while (assignment := queue.claim(annotator=annotator, shuffle=rng)) is not None:
        if rng.random() < 0.2:
            flags.raise_flag(assignment=assignment, annotator=annotator, category="harmful")
        if not skipped:
            skipped = True
            queue.skip(assignment=assignment, annotator=annotator, reason="Not for me.")
            continue
        verdict = rng.choice(["ranked", "ranked", "ranked", "all_bad", "cannot_tell"])
        ranking.submit(
            assignment=assignment,
            annotator=annotator,
            verdict=verdict,
            ranks=rng.choice([[1, 2, 3], [2, 1, 1], [3, 1, 2], [1, 1, 2]]) if verdict == "ranked" else (),
            reason="" if verdict == "ranked" else "None of them helps.",
            active_seconds=rng.randrange(20, 400),
        )


def text_of(cast: Cast, page: str, name: str = "carol") -> str:
    client = Client()
    client.force_login(getattr(cast, name))
    return client.get(f"/admin/projects/helpful/{page}").content.decode()


def words(text: str) -> str:
    """Without marks."""
    return " ".join(re.sub("<[^>]*>", " ", text).split()).replace(" ,", ",")


def table(text: str, label: str) -> list[list[str]]:
    """The cells of the body of the table in the region ``label``, as words."""
    region = text[text.index(f'aria-label="{label}"') :]
    body = region[region.index("<tbody>") : region.index("</tbody>")]
    return [
        [words(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)]
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.S)
    ]


def ask(sql: str) -> list[tuple[Any, ...]]:
    """The rows of ``sql``, in which PROJECT is the project's id."""
    with connection.cursor() as cursor:
        cursor.execute(sql.replace("PROJECT", "(SELECT id FROM annotation_project WHERE slug = 'helpful')"))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def value_of(sql: str) -> Any:
    ((value,),) = ask(sql)
    return value


def test_home_counts_demonstrations_skips_flags_and_weeks(cast: Cast) -> None:
    put(cast.project, "prompts", {"prompt": "One more?"})
    text = words(text_of(cast, ""))
    counts = {
        name: value_of(f"SELECT count(*) FROM annotation_{rows} WHERE project_id = PROJECT AND {where}")
        for name, rows, where in (
            ("prompts", "prompt", "true"),
            ("demonstrations", "demonstration", "is_current"),
            ("wanted", "slot", "annotator_id IS NULL"),
            ("tasks", "task", "kind = 'rank'"),
            ("rankings", "ranking", "is_current"),
            ("skipped", "assignment", "status = 'skipped'"),
            ("flags", "flag", "resolved_at IS NULL"),
        )
    }
    counts["wanted_tasks"] = value_of(
        "SELECT count(DISTINCT task_id) FROM annotation_slot "
        "WHERE project_id = PROJECT AND annotator_id IS NULL"
    )
    assert len(set(counts.values())) > 4
    assert counts["skipped"] == PEOPLE
    assert (
        f"Prompts {counts['prompts']} {counts['demonstrations']} demonstrations "
        f"Judgements wanted {counts['wanted']} places on {counts['wanted_tasks']} task ; "
        f"{counts['tasks']} tasks in all, 0 being judged "
        f"Rankings {counts['rankings']} +{counts['rankings']} this week, {counts['skipped']} skipped"
    ) in text
    assert f"Flags and skips {counts['flags']}" in text


def test_home_counts_the_rankings_of_each_person_on_each_of_fourteen_days(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = value_of("SELECT current_date")  # the same to the end, even at midnight
    monkeypatch.setattr(activity, "PEOPLE", 2)
    monkeypatch.setattr("console.activity.timezone.localdate", lambda: today)
    ids = [pk for (pk,) in ask("SELECT id FROM annotation_ranking WHERE project_id = PROJECT AND is_current")]
    rng = random.Random(3)
    with connection.cursor() as cursor:
        for ranking_id in ids:
            # The fifteenth day before today's end is not in the table, and a superseded ranking is in no cell.
            cursor.execute(
                "UPDATE annotation_ranking SET created_at = %s - make_interval(days => %s) + interval '1 minute', "
                "is_current = %s WHERE id = %s",
                [today, rng.choice([0, 1, 2, 5, 13, 14]), rng.random() < 0.9, ranking_id],
            )
    rows = table(text_of(cast, ""), "Rankings a day by person")
    counted = f"""
        SELECT a.pseudonym, 13 - ('{today}'::date - r.created_at::date), count(*) FROM annotation_ranking r
        JOIN annotation_annotator a ON a.id = r.annotator_id
        WHERE r.project_id = PROJECT AND r.is_current AND r.created_at >= '{today}'::date - 13 GROUP BY 1, 2
    """
    days: dict[str, list[int]] = {}
    for name, day, rankings in ask(counted):
        days.setdefault(name, [0] * 14)[day] = rankings
    assert len(days) == PEOPLE
    assert sum(map(sum, days.values())) < len(ids)
    busiest = sorted(days, key=lambda name: (-sum(days[name]), name))
    expected = [[name, *days[name], sum(days[name])] for name in busiest[:2]]
    expected.append(["1 other", *days[busiest[2]], sum(days[busiest[2]])])
    assert rows == [[str(cell or "·") for cell in row] for row in expected]
    Annotator.objects.filter(pseudonym=busiest[2]).update(simulated=True, user=None)
    assert table(text_of(cast, ""), "Rankings a day by person")[2][0] == "1 other, 1 simulated"


@pytest.mark.parametrize("shown", [PEOPLE, 1])
def test_a_days_number_leads_to_the_rankings_it_counts(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, shown: int
) -> None:
    """Those of the other people together are no list of their own, and lead nowhere."""
    monkeypatch.setattr(activity, "PEOPLE", shown)
    text = text_of(cast, "")
    region = text[text.index('aria-label="Rankings a day by person"') :]
    links = re.findall(r'<a href="([^"]*)">([\d,]+)</a>', region[: region.index("</table>")])
    assert len(links) >= 2 * shown
    client = Client()
    client.force_login(cast.carol)
    for address, number in links:
        assert str(client.get(address.replace("&amp;", "&")).context["lines"].number) == number


HELD_OUT = {
    "held_out": {
        "accuracy": {"value": 0.7316, "interval": [0.7012, 0.7624]},
        "longer_wins": {"value": 0.5218, "interval": [0.4911, 0.5527]},
    },
    "human_agreement": {"value": 0.8143, "interval": None},
}
FOLLOWED = {
    "before": {"reward": 0.1234, "length": 41.4},
    "after": {"reward": 1.2371, "kl": 7.3642, "length": 57.8},
    "perplexity": 3.4567,
}


@pytest.fixture
def versions(cast: Cast) -> Cast:
    """A reward model in use with a report, and a policy that followed it."""
    reward_model = make_reward_model(cast.project, 1, make_snapshot(cast.project, "s"))
    RewardModelVersion.objects.filter(pk=reward_model.pk).update(report=HELD_OUT, is_active=True)
    policy = make_policy(
        cast.project,
        2,
        algorithm="ppo",
        start=make_policy(cast.project, 1),
        reward_model=reward_model,
    )
    PolicyVersion.objects.update(is_current=False)
    PolicyVersion.objects.filter(pk=policy.pk).update(report=FOLLOWED, is_current=True)
    return cast


def test_home_says_of_the_versions_in_use_what_their_reports_say(versions: Cast) -> None:
    ((accuracy, human),) = ask(
        "SELECT round(100 * (report #>> '{held_out,accuracy,value}')::numeric, 1),"
        " round(100 * (report #>> '{human_agreement,value}')::numeric, 1)"
        " FROM rewardmodel_rewardmodelversion WHERE is_active AND project_id = PROJECT"
    )
    ((reward, kl),) = ask(
        "SELECT round((report #>> '{after,reward}')::numeric, 2), round((report #>> '{after,kl}')::numeric, 1)"
        " FROM rltrainer_policyversion WHERE is_current AND project_id = PROJECT"
    )
    text = words(text_of(versions, ""))
    assert f"Reward model v1 right {accuracy}% of the time; two people agree on {human}%" in text
    assert f"Policy v2 reward {reward}, KL {kl} nats" in text
    # Every figure leads to what it is of.
    page = text_of(versions, "")
    leads = dict(re.findall(r'<a class="muted" href="/admin/projects/helpful/([^"]*#v\d)">(\w+)', page))
    assert leads == {"reward-models/#v1": "right", "policies/#v2": "reward"}


def test_home_says_what_a_queued_run_is_behind(versions: Cast) -> None:
    """All of the same queue that run or came before it, of whatever project."""
    Run.objects.update(status="cancelled", finished_at="2026-01-01T00:00Z")
    elsewhere, gone, first, second = (
        make_transfer(project).run
        for project in (versions.other, versions.project, versions.project, versions.project)
    )
    Run.objects.filter(pk=gone.pk).update(status="cancelled", finished_at="2026-01-01T00:00Z")
    Run.objects.filter(pk=elsewhere.pk).update(queue="gpu")
    running = words(text_of(versions, ""))
    assert f"run {first.pk} queued, behind" not in running
    assert f"run {second.pk} queued, behind 1 other run" in running
    Run.objects.filter(pk=elsewhere.pk).update(queue="cpu")
    running = words(text_of(versions, ""))
    assert f"run {first.pk} queued, behind 1 other run" in running
    assert f"run {second.pk} queued, behind 2 other runs" in running


def test_versions_pages_show_their_reports(versions: Cast) -> None:
    ((accuracy, low, high, longer, human, rankings),) = ask(
        "SELECT round(100 * (report #>> '{held_out,accuracy,value}')::numeric, 1),"
        " round(100 * (report #>> '{held_out,accuracy,interval,0}')::numeric, 1),"
        " round(100 * (report #>> '{held_out,accuracy,interval,1}')::numeric, 1),"
        " round(100 * (report #>> '{held_out,longer_wins,value}')::numeric, 1),"
        " round(100 * (report #>> '{human_agreement,value}')::numeric, 1), snapshot.rankings"
        " FROM rewardmodel_rewardmodelversion version"
        " JOIN rewardmodel_fit fit ON fit.id = version.fit_id"
        " JOIN annotation_snapshot snapshot ON snapshot.id = fit.snapshot_id WHERE version.project_id = PROJECT"
    )
    text = words(text_of(versions, "reward-models/"))
    assert f"Held-out accuracy {accuracy}% {low} to {high} Longer wins {longer}%" in text
    assert f"Two people {human}% Rankings {rankings} Snapshot" in text
    ((before, after, kl, short, long, perplexity),) = ask(
        "SELECT round((report #>> '{before,reward}')::numeric, 2), round((report #>> '{after,reward}')::numeric, 2),"
        " round((report #>> '{after,kl}')::numeric, 1), round((report #>> '{before,length}')::numeric),"
        " round((report #>> '{after,length}')::numeric), round((report ->> 'perplexity')::numeric, 2)"
        " FROM rltrainer_policyversion WHERE number = 2 AND project_id = PROJECT"
    )
    text = words(text_of(versions, "policies/"))
    assert (
        f"Reward, before and after {before} → {after} KL, nats {kl} Tokens an answer {short} → {long}" in text
    )
    assert f"Held-out perplexity {perplexity}" in text


def test_the_table_of_runs_is_that_of_the_database(versions: Cast) -> None:
    exported = make_transfer(versions.project).run
    make_transfer(versions.other)
    Run.objects.filter(pk=exported.pk).update(
        status="succeeded", finished_at="2026-01-01T00:00Z", result={"lines": 12_345}
    )
    rows = table(text_of(versions, "runs/"), "Table of runs")
    expected = ask(
        "SELECT run.id::text, run.status, run.result ->> 'lines' FROM runs_run run WHERE run.id IN ("
        "SELECT run_id FROM annotation_transfer WHERE project_id = PROJECT"
        " UNION SELECT run_id FROM rewardmodel_fit WHERE project_id = PROJECT"
        " UNION SELECT run_id FROM rltrainer_training WHERE project_id = PROJECT) ORDER BY run.id DESC"
    )
    assert len(expected) == 3
    for row, (pk, status, lines) in zip(rows, expected, strict=True):
        assert row[0] == pk
        assert row[2].split()[-1] == status
        assert row[3] == (f"{int(lines):,} lines" if lines else "")


# Of every annotator: rankings, of which all bad and can't tell; mean seconds; of strict pairs the share that what was
# shown first wins; hours.
HABITS = """
SELECT annotator.pseudonym, count(*), count(*) FILTER (WHERE verdict = 'all_bad'),
    count(*) FILTER (WHERE verdict = 'cannot_tell'), round(avg(active_seconds)::numeric, 1),
    round(100 * sum(earlier) / sum(strict), 1), round(sum(active_seconds)::numeric / 3600, 1)
FROM annotation_ranking ranking
JOIN annotation_annotator annotator ON annotator.id = annotator_id
CROSS JOIN LATERAL (
    SELECT count(*)::numeric AS strict, count(*) FILTER (
        WHERE array_position(order_shown, one.position) < array_position(order_shown, other.position)
    )::numeric AS earlier
    FROM annotation_comparison
    JOIN annotation_taskcompletion one ON one.task_id = ranking.task_id AND one.completion_id = preferred_id
    JOIN annotation_taskcompletion other ON other.task_id = ranking.task_id AND other.completion_id = rejected_id
    WHERE ranking_id = ranking.id AND NOT tie
) pairs
WHERE is_current AND ranking.project_id = PROJECT GROUP BY annotator.pseudonym
"""
# Of every two rankings of a task, and every pair of its completions: whether both say the same.
AGREEMENT = """
SELECT round(100 * avg((a.tie = b.tie AND (a.tie OR a.preferred_id = b.preferred_id))::int), 1)
FROM annotation_ranking one
JOIN annotation_ranking other ON other.task_id = one.task_id AND other.id > one.id AND other.is_current
JOIN annotation_comparison a ON a.ranking_id = one.id
JOIN annotation_comparison b ON b.ranking_id = other.id
    AND least(a.preferred_id, a.rejected_id) = least(b.preferred_id, b.rejected_id)
    AND greatest(a.preferred_id, a.rejected_id) = greatest(b.preferred_id, b.rejected_id)
WHERE one.is_current AND one.project_id = PROJECT
"""


def test_quality_counts_each_annotators_verdicts_seconds_and_what_is_shown_first(cast: Cast) -> None:
    text = text_of(cast, "quality/")
    habits = {name: rest for name, *rest in ask(HABITS)}
    rows = table(text, "Figures of annotators")
    assert len(habits) == PEOPLE
    assert {row[0] for row in rows} == habits.keys()
    for row in rows:
        rankings, all_bad, cannot_tell, seconds, earlier, _ = habits[row[0]]
        assert [row[1], row[6], row[7], row[8]] == [str(n) for n in (rankings, all_bad, cannot_tell, seconds)]
        assert row[4].split()[0] == f"{earlier}%"


def test_quality_says_how_far_people_agree_and_what_a_week_took(cast: Cast) -> None:
    text = text_of(cast, "quality/")
    agreement = value_of(AGREEMENT)
    assert 0 < agreement < 100
    assert f"Pairwise agreement {agreement}%" in words(text)
    weeks = ask(
        "SELECT to_char(created_at AT TIME ZONE 'UTC', 'IYYY-\"W\"IW'), count(*)::text,"
        " round(sum(active_seconds)::numeric / 3600, 1)::text,"
        " round(count(*) / (sum(active_seconds)::numeric / 3600))::text"
        " FROM annotation_ranking WHERE is_current AND project_id = PROJECT GROUP BY 1 ORDER BY 1 DESC"
    )
    rows = table(text, "Figures of weeks")
    assert [tuple(row[:4]) for row in rows] == weeks
    assert [row[5].split()[0] for row in rows] == [f"{agreement}%"] * len(weeks) or len(weeks) > 1


def test_people_have_the_rankings_and_hours_that_they_made(cast: Cast) -> None:
    habits = {name: (str(rest[0]), str(rest[-1])) for name, *rest in ask(HABITS)}
    rows = table(text_of(cast, "people/", "olivia"), "Table of members")
    judged = {row[2]: (row[3], row[4]) for row in rows if row[2] in habits}
    assert judged == habits
    assert [row[3:5] for row in rows if row[2] not in habits] == [["0", "0.0"]] * 2


def test_a_score_of_what_was_not_read_whole_says_what_was_cut(
    versions: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = [
        Score(4.0, False, False),
        Score(3.0, True, False),
        Score(2.0, False, True),
        Score(1.0, True, True),
    ]
    monkeypatch.setattr(scoring, "ask", lambda **_: scores)
    client = Client()
    client.force_login(versions.carol)
    fields = {
        "score-prompt": "Which?",
        "score-texts": "a\n---\nb\n---\nc\n---\nd",
        "score-version": RewardModelVersion.objects.get(is_active=True).pk,
    }
    answer = client.post("/admin/projects/helpful/try/", {**fields, "do": "score"})
    text = words(answer.content.decode())
    assert (
        "4.000 a 3.000 prompt too long to be read whole b 2.000 answer too long to be read whole c "
        "1.000 prompt and answer too long to be read whole d"
    ) in text


def test_annotators_are_counted_with_their_current_rankings(cast: Cast) -> None:
    rows = table(text_of(cast, "annotators/"), "Figures of annotators")
    assert {row[0]: row[1] for row in rows} == {name: str(rest[0]) for name, *rest in ask(HABITS)}


PAGES = (
    "",
    "reward-models/",
    "policies/",
    "try/",
    "runs/",
    "settings/",
    "quality/",
    "annotators/",
    "flags/",
    "disagreements/",
    "withdrawals/",
    "webhooks/",
    "data/completions/?order=rewarded",
    *(f"data/{name}/" for name in KINDS),
)


def number_of(page: str) -> int:
    return page.count(">More</a></h2>")


def test_the_index_asks_no_more_for_many_projects(versions: Cast) -> None:
    client = Client()
    client.force_login(versions.olivia)
    sizes = []
    for number in (1, 2, 9):
        for project in (people.create_project(slug=f"p{number}-{n}", name="More") for n in range(number)):
            make_reward_model(project, 1000 + project.pk, make_snapshot(project, f"{project.pk}"))
            make_transfer(project)
            put(project, "rankings", ranking_line("Which?", 2, 1))
        with CaptureQueriesContext(connection) as queries:
            page = client.get("/admin/").content.decode()
        sizes.append(len(queries))
        assert page.count("Export pairs") == page.count("was not activated by itself") == number_of(page)
    assert len(set(sizes)) == 1
    assert sizes[0] <= 30


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_thirty_queries_at_most(versions: Cast, page: str) -> None:
    """Those of the account and its session included; with runs of several kinds queued."""
    client = Client()
    client.force_login(versions.carol)
    for _ in range(3):
        make_transfer(versions.project)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(f"/admin/projects/helpful/{page}")
    assert answer.status_code == 200
    sent = [one["sql"] for one in queries if not one["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(sent) <= 30
