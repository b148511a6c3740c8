"""Quality statistics at a million rankings: to count them all, to count what is new, and to open the page.

    python -m benchmarks.quality [--tasks 333334]

Fills a project of its own in a database of its own with tasks of four completions, three rankings each by thirty
annotators over a year, by SQL. Prints one JSON object; the page's seconds stand beside those of the log-in page.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILL = """
INSERT INTO annotation_prompt (public_id, project_id, form, messages, digest, opening, split, external_id, metadata,
                               sampled)
SELECT gen_random_uuid(), %(project)s, 'text', '[{"role": "user", "content": "P"}]', n::text, n::text, 'train', '',
       '{}', true FROM generate_series(1, %(tasks)s) n;
INSERT INTO annotation_completion (public_id, prompt_id, source_id, text, digest, sampling)
SELECT gen_random_uuid(), p.id, %(source)s, repeat('x', 20 + k * 7), k::text, '{}'
FROM annotation_prompt p, generate_series(0, 3) k WHERE p.project_id = %(project)s;
INSERT INTO annotation_task (public_id, project_id, prompt_id, key, priority, external_id, metadata)
SELECT gen_random_uuid(), %(project)s, id, digest, 0, '', '{}' FROM annotation_prompt WHERE project_id = %(project)s;
INSERT INTO annotation_taskcompletion (task_id, completion_id, position)
SELECT t.id, c.id, c.digest::int FROM annotation_task t JOIN annotation_completion c ON c.prompt_id = t.prompt_id
WHERE t.project_id = %(project)s;
INSERT INTO annotation_ranking (public_id, project_id, task_id, annotator_id, verdict, tiers, confidence, rationale,
                                order_shown, active_seconds, guideline_version, is_current, external_id, metadata,
                                created_at)
SELECT gen_random_uuid(), %(project)s, t.id, (%(annotators)s::bigint[])[1 + (t.id + a * 7) %% 30], 'ranked',
       ARRAY[1 + (random() * 3)::int, 1 + (random() * 3)::int, 1 + (random() * 3)::int, 1 + (random() * 3)::int],
       '', '', ARRAY[2, 0, 3, 1], 10 + random() * 50, 1, true, '', '{}', now() - random() * interval '360 days'
FROM annotation_task t, generate_series(0, 2) a WHERE t.project_id = %(project)s;
ANALYZE;
"""


def seconds(work: Callable[[], Any]) -> float:
    """How long ``work`` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Fill, count, and look."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=333_334)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="concord-quality-") as name:
        os.environ |= {"CONCORD_HOME": name, "DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": ""}
        from config.running.postgres import Server

        server = Server(Path(name))
        server.hold()
        try:
            print(json.dumps(measure(options.tasks)))
        finally:
            server.release()


def measure(tasks: int) -> dict[str, Any]:
    """All figures, in seconds."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    from annotation import people
    from annotation.files import intake
    from annotation.models import Annotator, Ranking, Task
    from annotation.quality import upkeep

    call_command("migrate", verbosity=0)
    project = people.create_project(slug="large")
    source = intake.source_for(project=project, kind="import", name="filled")
    annotators = [Annotator.objects.create(project=project, pseudonym=f"a{n}").pk for n in range(30)]
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "project": project.pk,
            "source": source.pk,
            "tasks": tasks,
            "annotators": annotators,
        }
        for statement in FILL.strip().split(";\n"):
            cursor.execute(statement, values if "%(" in statement else None)
    rankings = Ranking.objects.count()
    upkeep.rebuild(project=project)
    counted = seconds(lambda: upkeep.count(project=project, most=10_000_000))
    some = list(Task.objects.order_by("pk").values_list("pk", flat=True)[:1000])
    upkeep.changed(project_id=project.pk, task_ids=some)
    again = seconds(lambda: upkeep.count(project=project))
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("olivia"))
    pages = {}
    for label, path in (("page", "/admin/projects/large/quality/"), ("log_in_page", "/login/")):
        took = sorted(seconds(lambda path=path: _get(client, path)) for _ in range(20))  # type: ignore[misc]
        pages[label] = {"p50": round(statistics.median(took), 4), "p95": round(took[18], 4)}
    return {
        "rankings": rankings,
        "count_all": round(counted, 1),
        "count_1000_tasks": round(again, 2),
        **pages,
    }


def _get(client: Any, path: str) -> None:
    assert client.get(path).status_code in {200, 302}


if __name__ == "__main__":
    main()
