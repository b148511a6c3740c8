"""Projects of any size, made in the database itself: SQL alone, so that a million tasks take minutes, not hours."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from annotation import people
from annotation.models import Annotator, Project

OVERLAP = 3
COMPLETIONS = 4
# The annotators of a state are done with all tasks but so many.
LEFT = 100


def migrate() -> None:
    """An empty database with Concord's tables."""
    call_command("migrate", verbosity=0, interactive=False)
    _run("CREATE TABLE IF NOT EXISTS benchmark_commit (id bigserial PRIMARY KEY, said text)")


def project_of(tasks: int) -> Project:
    """A project with so many tasks of four completions for three annotators each, none of them judged."""
    project = people.create_project(
        slug=f"tasks-{tasks}",
        completions_per_task=COMPLETIONS,
        annotators_per_task=OVERLAP,
        guidelines=(Path(settings.BASE_DIR) / "demo/guidelines.md").read_text(),
    )
    _fill(project, tasks, COMPLETIONS)
    _run(
        """
        INSERT INTO annotation_slot (project_id, priority, task_id, number)
        SELECT project_id, priority, id, number FROM annotation_task, generate_series(0, %s) number
        WHERE project_id = %s ORDER BY id, number
        """,
        OVERLAP - 1,
        project.pk,
    )
    tidy()
    return project


def _fill(project: Project, tasks: int, completions: int) -> None:
    """Prompts of 120 characters, and completions of 300 with some markdown."""
    _run(
        "INSERT INTO annotation_source (project_id, kind, name) VALUES (%s, 'import', 'benchmark')",
        project.pk,
    )
    _run(
        """
        INSERT INTO annotation_prompt
            (public_id, project_id, form, messages, digest, opening, split, external_id, metadata, sampled)
        SELECT gen_random_uuid(), %s, 'text', jsonb_build_array(jsonb_build_object('role', 'user', 'content', text)),
            encode(sha256(text::bytea), 'hex'), encode(sha256(text::bytea), 'hex'), 'train', '', '{}', false
        FROM (SELECT 'Question ' || n || ': ' || repeat('what is it that you want to know? ', 3) AS text
              FROM generate_series(1, %s) n) prompts
        """,
        project.pk,
        tasks,
    )
    _run(
        """
        INSERT INTO annotation_completion (public_id, prompt_id, source_id, text, digest, sampling)
        SELECT gen_random_uuid(), prompt_id, source_id, text, encode(sha256(text::bytea), 'hex'), '{}'
        FROM (
            SELECT p.id AS prompt_id, s.id AS source_id,
                'Answer ' || k || ' to ' || p.id || E': **first** this,\n\n- then `that`\n- and more\n\n'
                || repeat('A sentence that says something of it. ', 6) AS text
            FROM annotation_prompt p JOIN annotation_source s USING (project_id), generate_series(1, %s) k
            WHERE p.project_id = %s ORDER BY p.id, k
        ) completions
        """,
        completions,
        project.pk,
    )
    _run(
        """
        INSERT INTO annotation_task (public_id, project_id, prompt_id, key, priority, external_id, metadata)
        SELECT gen_random_uuid(), project_id, id, 'task-' || id, 0, '', '{}'
        FROM annotation_prompt WHERE project_id = %s ORDER BY id
        """,
        project.pk,
    )
    _run(
        """
        INSERT INTO annotation_taskcompletion (task_id, completion_id, position)
        SELECT t.id, c.id, row_number() OVER (PARTITION BY t.id ORDER BY c.id) - 1
        FROM annotation_task t JOIN annotation_completion c USING (prompt_id) WHERE t.project_id = %s
        """,
        project.pk,
    )


def judge_all_but_last(annotator: Annotator, number: int, *, left: int = LEFT) -> None:
    """``annotator`` has ranked every task whose slot of this number is free, but for the last ``left`` tasks."""
    project = annotator.project_id
    with transaction.atomic():
        _run(
            """
            WITH taken AS (
                UPDATE annotation_slot slot SET annotator_id = %(annotator)s
                WHERE project_id = %(project)s AND annotator_id IS NULL AND number = %(number)s
                AND task_id <= (SELECT max(id) FROM annotation_task WHERE project_id = %(project)s) - %(left)s
                AND NOT EXISTS (SELECT FROM annotation_assignment seen WHERE seen.task_id = slot.task_id
                    AND seen.annotator_id = %(annotator)s AND seen.status IN ('open', 'submitted', 'skipped'))
                RETURNING task_id
            ), closed AS (
                INSERT INTO annotation_assignment (public_id, task_id, project_id, annotator_id, status, opened_at,
                    expires_at, closed_at, order_shown, draft, drafted_by, reason)
                SELECT gen_random_uuid(), task_id, %(project)s, %(annotator)s, 'submitted', now() - interval '9 days',
                    now() - interval '8 days', now() - interval '8 days', '{0,1,2,3}', '{}', '', '' FROM taken
                RETURNING id, task_id
            )
            INSERT INTO annotation_ranking (public_id, project_id, task_id, annotator_id, assignment_id, verdict,
                tiers, confidence, rationale, order_shown, guideline_version, is_current, external_id, metadata,
                created_at)
            SELECT gen_random_uuid(), %(project)s, task_id, %(annotator)s, id, 'ranked', '{1,2,3,4}', '', '',
                '{0,1,2,3}', 1, true, '', '{}', now() - interval '8 days'
            FROM closed
            """,
            {"annotator": annotator.pk, "project": project, "number": number, "left": left},
        )
    tidy()


def judged(tasks: int) -> Project:
    """A project of rankings of four with their comparisons and no slots, to be exported."""
    project = people.create_project(slug=f"judged-{tasks}", completions_per_task=COMPLETIONS)
    _fill(project, tasks, COMPLETIONS)
    annotator = Annotator.objects.create(project=project, pseudonym="ada")
    _run(
        """
        INSERT INTO annotation_ranking (public_id, project_id, task_id, annotator_id, verdict, tiers, confidence,
            rationale, order_shown, guideline_version, is_current, external_id, metadata)
        SELECT gen_random_uuid(), project_id, id, %s, 'ranked', '{1,2,3,4}', '', '', '{2,0,3,1}', 1, true, '', '{}'
        FROM annotation_task WHERE project_id = %s
        """,
        annotator.pk,
        project.pk,
    )
    compare(project)
    tidy()
    return project


def compare(project: Project) -> None:
    """The comparisons of all rankings of the project, which has none yet."""
    _run(
        """
        INSERT INTO annotation_comparison (ranking_id, preferred_id, rejected_id, tie)
        SELECT r.id, a.completion_id, b.completion_id, false
        FROM annotation_ranking r
        JOIN annotation_taskcompletion a USING (task_id) JOIN annotation_taskcompletion b USING (task_id)
        WHERE r.project_id = %s AND a.position < b.position
        """,
        project.pk,
    )


def leave_stale(project: Project, tasks: int) -> None:
    """So many of its tasks wait to be counted."""
    _run(
        "INSERT INTO annotation_staletask (project_id, task_id) SELECT project_id, id FROM annotation_task "
        "WHERE project_id = %s ORDER BY id LIMIT %s",
        project.pk,
        tasks,
    )


def tidy() -> None:
    """What autovacuum and a checkpoint would do within minutes; tables that are empty stay unknown to the planner."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass FROM pg_stat_user_tables WHERE pg_relation_size(relid) > 0")
        cursor.execute(f"VACUUM ANALYZE {', '.join(name for (name,) in cursor.fetchall())}")
        # Else the disk is still written to while the first thing is measured.
        cursor.execute("CHECKPOINT")


def _run(statement: str, *values: Any) -> None:
    parameters: Any = values[0] if values and isinstance(values[0], dict) else values
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
