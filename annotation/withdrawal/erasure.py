"""A person's or a prompt's data taken back: text is erased from rows and files, ids and digests stay.

withdraw_annotator, withdraw_prompt    the rows, in one transaction
finish                                 then the files: snapshots, run folders, uploads and exports
answer                                 what was erased, and every snapshot and version that had used it

Rows come first: from then on nothing new is made of the data. Files follow after the commit, in any process, and may
be begun again: lines are known by their ids, which stay. A withdrawal is done when no run is left that was at work
when it was made, since that one may have written its inputs meanwhile; the sweep looks again until then.

Of a person: what they wrote (rationales, reasons, drafts, words of flags, demonstrations and other texts), their
name and account. Their rankings and ratings leave training, exports and agreement, and so do others' rankings of
their texts. Of a prompt: its messages and everything written under it. Both may be asked for again, and nothing
happens twice.
"""

import shutil
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from annotation import locks
from annotation.collecting import holding
from annotation.errors import BadRequest
from annotation.files.intake.desk import open_desk
from annotation.files.snapshots import FILE_NAME
from annotation.models import (
    Annotator,
    Assignment,
    Comparison,
    Completion,
    DatasetExport,
    Demonstration,
    Flag,
    Project,
    Prompt,
    Ranking,
    Rating,
    Slot,
    Snapshot,
    Source,
    StandingChange,
    Task,
    Transfer,
    Withdrawal,
)
from annotation.preferences.splits import text_digest
from annotation.quality import upkeep
from annotation.withdrawal import lineage
from annotation.withdrawal.lines import ERASERS, Erased, erase, erase_reports, holds, silenced
from runs import artifacts
from runs.errors import ArtifactMissing
from runs.execution import folder_of
from runs.folder.folder import RunFolder
from runs.kinds import runs_of
from runs.models import Artifact, Run, RunAnswer
from runs.writing import write

# What stands where words must, and were erased.
WITHDRAWN = "Withdrawn."
Status = Assignment.Status


@write
def withdraw_annotator(*, project: Project, pseudonym: str, by: User | None = None) -> Withdrawal:
    """Erase what an annotator wrote and let their account go. Locks the project's desk, its snapshots and everybody.

    The withdrawal of one who has been withdrawn already is given back. Raises BadRequest, Busy.
    """
    _stop_the_work(project)
    annotator = Annotator.objects.filter(project=project, pseudonym=pseudonym).first()
    names = Q(annotator=annotator) if annotator else Q(name_digest=text_digest(pseudonym))
    known = Withdrawal.objects.filter(names, project=project).first()
    if known is not None:
        return known
    if annotator is None:
        raise BadRequest(f"{project.slug} has no annotator {pseudonym!r}.")
    sources = Source.objects.filter(annotator=annotator)
    completions = Completion.objects.filter(source__in=sources)
    demonstrations = Demonstration.objects.filter(source__in=sources)
    # Whoever ranked one of their texts said something of a text that is no more.
    tasks = Task.objects.filter(entries__completion__in=completions)
    rankings = Ranking.objects.filter(Q(annotator=annotator) | Q(task__in=tasks))
    gone = _gone(rankings, completions, demonstrations, Prompt.objects.none())
    _close(tasks)
    _retire(rankings)
    _count_anew(project, rankings)
    _silence(Ranking.objects.filter(annotator=annotator))
    Rating.objects.filter(annotator=annotator).update(metadata={}, external_id="")
    _erase_texts(completions, demonstrations)
    Demonstration.objects.filter(reviewer=annotator).exclude(comment="").update(comment=WITHDRAWN)
    assignments = Assignment.objects.filter(annotator=annotator)
    _give_back(assignments)
    assignments.update(reason="", draft={})
    Flag.objects.filter(Q(annotator=annotator) | Q(completion__in=completions)).update(words="")
    StandingChange.objects.filter(annotator=annotator).update(why=WITHDRAWN)
    name = f"withdrawn-{annotator.public_id}"
    for source in sources:
        source.name = f"{name}-{source.pk}"
        source.save(update_fields=["name"])
    Annotator.objects.filter(pk=annotator.pk).update(pseudonym=name, user=None, withdrawn_at=Now())
    return Withdrawal.objects.create(
        project=project,
        annotator=annotator,
        name_digest=text_digest(pseudonym),
        requested_by=by,
        erased=gone.as_json(),
    )


@write
def withdraw_prompt(*, project: Project, public_id: str, by: User | None = None) -> Withdrawal:
    """Erase a prompt and everything written under it. Locks the project's desk, its snapshots and everybody.

    The withdrawal of one that has been withdrawn already is given back. Raises BadRequest, Busy.
    """
    _stop_the_work(project)
    prompt = Prompt.objects.filter(project=project, public_id=_id(public_id)).first()
    if prompt is None:
        raise BadRequest(f"{project.slug} has no prompt {public_id}.")
    known = Withdrawal.objects.filter(prompt=prompt).first()
    if known is not None:
        return known
    completions = Completion.objects.filter(prompt=prompt)
    demonstrations = Demonstration.objects.filter(prompt=prompt)
    tasks = Task.objects.filter(prompt=prompt)
    rankings = Ranking.objects.filter(task__in=tasks)
    gone = _gone(rankings, completions, demonstrations, Prompt.objects.filter(pk=prompt.pk))
    _close(tasks)
    _retire(rankings)
    _count_anew(project, rankings)
    _silence(rankings)
    Rating.objects.filter(completion__in=completions).update(metadata={}, external_id="")
    Assignment.objects.filter(task__in=tasks).update(reason="", draft={})
    Flag.objects.filter(prompt=prompt).update(words="")
    _erase_texts(completions, demonstrations)
    tasks.update(external_id="", metadata={})
    silent = [{**message, "content": ""} for message in prompt.messages]
    Prompt.objects.filter(pk=prompt.pk).update(
        messages=silent, external_id="", metadata={}, sampled=False, withdrawn_at=Now()
    )
    _erase_quotes(project, gone)
    return Withdrawal.objects.create(project=project, prompt=prompt, requested_by=by, erased=gone.as_json())


def _stop_the_work(project: Project) -> None:
    """To the commit nothing comes in, nobody has a claim or a submission on its way, and no snapshot is taken."""
    open_desk(project)
    locks.snapshots(project)
    locks.everybody(project)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadRequest(f"{text!r} is no prompt's public id.") from error


def _gone(
    rankings: "QuerySet[Ranking]",
    completions: "QuerySet[Completion]",
    demonstrations: "QuerySet[Demonstration]",
    prompts: "QuerySet[Prompt]",
) -> Erased:
    return Erased(
        *(
            frozenset(str(public_id) for public_id in rows.order_by().values_list("public_id", flat=True))
            for rows in (rankings, completions, demonstrations, prompts)
        )
    )


def _close(tasks: "QuerySet[Task]") -> None:
    """Nobody is asked for these tasks any more, nor measured by them; what is in hand is handed back.

    What ask them again are such tasks too. A lease that had ended is handed back as well: it would count if its
    judgement came in late.
    """
    firsts = list(tasks.values_list("pk", flat=True))
    ids = list(Task.objects.filter(Q(pk__in=firsts) | Q(repeats__in=firsts)).values_list("pk", flat=True))
    _give_back(Assignment.objects.filter(task__in=ids))
    free = locks.rows(Slot.objects.filter(task__in=ids, annotator=None).only("pk"))
    Slot.objects.filter(pk__in=[slot.pk for slot in free]).delete()
    gold = locks.rows(Task.objects.filter(pk__in=ids, purpose=Task.Purpose.GOLD).only("pk"))
    Task.objects.filter(pk__in=[task.pk for task in gold]).update(
        purpose=Task.Purpose.COLLECT, gold_tiers=None
    )


def _count_anew(project: Project, rankings: "QuerySet[Ranking]") -> None:
    tasks = set(rankings.order_by().values_list("task", flat=True))
    upkeep.changed(project_id=project.pk, task_ids=sorted(tasks))


def _give_back(assignments: "QuerySet[Assignment]") -> None:
    """Those that are open, and those whose lease has ended: neither takes a judgement any more."""
    locked = locks.rows(assignments.filter(status__in=[Status.OPEN, Status.EXPIRED]))
    holding.hand_back([one for one in locked if one.status == Status.OPEN], Status.RELEASED)
    ended = Assignment.objects.filter(pk__in=[one.pk for one in locked])
    ended.update(status=Status.RELEASED, draft={})


def _retire(rankings: "QuerySet[Ranking]") -> None:
    """They stay as they are, but nothing follows from them any more."""
    ids = [ranking.pk for ranking in locks.rows(rankings.only("pk"))]
    Comparison.objects.filter(ranking__in=ids).delete()
    Ranking.objects.filter(pk__in=ids).update(is_current=False)


def _silence(rankings: "QuerySet[Ranking]") -> None:
    Ranking.objects.filter(pk__in=rankings.values("pk")).update(rationale="", metadata={}, external_id="")


def _erase_texts(completions: "QuerySet[Completion]", demonstrations: "QuerySet[Demonstration]") -> None:
    # What later stages say of a completion is written under its lock: nothing comes after what is deleted here.
    erased = Completion.objects.filter(pk__among=[one.pk for one in locks.rows(completions.only("pk"))])
    erased.update(text="", sampling={})
    for rows in lineage.remarks_on(erased):
        rows.delete()
    Demonstration.objects.filter(pk__in=demonstrations.values("pk")).update(
        text="", comment=WITHDRAWN, metadata={}, external_id=""
    )


def _erase_quotes(project: Project, gone: Erased) -> None:
    """Out of what later stages report, and out of the results of runs."""
    if not gone.prompts:
        return
    for rows in lineage.reports_of(project):
        for row in rows.only("pk", "report"):
            silent = silenced(row.report, gone)
            if silent != row.report:
                rows.filter(pk=row.pk).update(report=silent)
    for run in runs_of(project):
        silent = silenced(run.result, gone)
        if silent != run.result:
            Run.objects.filter(pk=run.pk).update(result=silent)
    watched = RunAnswer.objects.filter(run__in=runs_of(project), prompt_id__in=gone.prompts)
    watched.exclude(answer="").update(answer="")


def finish(*, withdrawal: Withdrawal) -> bool:
    """Erase the files; whether that was all. Raises nothing that leaves a file in part: begin it again.

    A snapshot is marked, and noted with a run in the withdrawal, before its file changes: a crash between them
    leaves a mark too many, never one too few.
    """
    gone = Erased.of(withdrawal.erased)
    at_work = _at_work(
        withdrawal
    )  # asked first: a run that ends while files are read may have written after us
    Withdrawal.objects.filter(pk=withdrawal.pk, files_begun_at=None).update(files_begun_at=Now())
    for snapshot in Snapshot.objects.filter(project=withdrawal.project).select_related("artifact"):
        _erase_snapshot(withdrawal, snapshot, gone)
    _erase_quotes(withdrawal.project, gone)  # again: a run that was at work may have reported since
    for run in runs_of(withdrawal.project):
        _erase_folder(withdrawal, run, gone)
    _drop_transfers(withdrawal.project)
    if not at_work and withdrawal.files_done_at is None:
        Withdrawal.objects.filter(pk=withdrawal.pk).update(files_done_at=Now())
        withdrawal.refresh_from_db()
    return not at_work


def finish_all() -> int:
    """The sweep: go on with withdrawals whose files are not done; returns how many are now.

    One that has been gone through once waits until the runs that were at work have ended.
    """
    waiting = Withdrawal.objects.filter(files_done_at=None).select_related("project").order_by("pk")
    return sum(finish(withdrawal=one) for one in waiting if not (one.files_begun_at and _at_work(one)))


def _at_work(withdrawal: Withdrawal) -> bool:
    """Whether a run is left that may have read the data before it was withdrawn."""
    return runs_of(withdrawal.project).active().filter(started_at__lte=withdrawal.created_at).exists()


def _erase_snapshot(withdrawal: Withdrawal, snapshot: Snapshot, gone: Erased) -> None:
    try:
        path = artifacts.local_folder(snapshot.artifact) / FILE_NAME
    except ArtifactMissing:
        return  # there is nothing to erase
    with path.open(encoding="utf-8") as file:
        if not holds(file, FILE_NAME, gone):
            return
    _name_snapshot(withdrawal, snapshot)
    erase(path, gone)
    artifacts.replace_file(artifact=snapshot.artifact, name=FILE_NAME, path=path)


@write
def _name_snapshot(withdrawal: Withdrawal, snapshot: Snapshot) -> None:
    withdrawal.snapshots.add(snapshot)
    Snapshot.objects.filter(pk=snapshot.pk).update(reproducible=False)


def _erase_folder(withdrawal: Withdrawal, run: Run, gone: Erased) -> None:
    folder = folder_of(run)
    for path in (*folder.inputs.glob("*.jsonl"), *folder.output.glob("*.jsonl"), folder.watched_file):
        if path.name not in ERASERS or not path.exists():
            continue
        with path.open(encoding="utf-8") as file:
            affected = holds(file, path.name, gone)
        if affected:
            withdrawal.runs.add(run)
            erase(path, gone)
            if path.parent == folder.inputs:
                _drop_checkpoint(run, folder)
    if gone.prompts:
        erase_reports(folder.output, gone)
        for artifact in run.artifacts.exclude(kind="snapshot"):
            _erase_artifact(artifact, gone)


def _drop_checkpoint(run: Run, folder: RunFolder) -> None:
    """What was learnt of what is gone is not gone on with: a run that is asked for again begins anew, without it."""
    folder.origin_file.unlink(missing_ok=True)
    if not run.is_active:  # one at work may be writing there
        shutil.rmtree(folder.checkpoint, ignore_errors=True)


def _erase_artifact(artifact: Artifact, gone: Erased) -> None:
    if not {"report.json", "meta.json"} & artifact.files.keys():
        return
    try:
        folder = artifacts.local_folder(artifact)
    except ArtifactMissing:
        return  # there is nothing to erase
    for name in erase_reports(folder, gone):
        artifacts.replace_file(artifact=artifact, name=name, path=folder / name)


def _drop_transfers(project: Project) -> None:
    """Uploads and exports of ended runs are whole copies, which can be made again: none is kept."""
    for transfer in Transfer.objects.filter(project=project).select_related("run"):
        if transfer.run.is_active:
            continue
        if transfer.file:
            transfer.file.storage.delete(str(transfer.file.name))
        folder = folder_of(transfer.run)
        for path in (*folder.inputs.glob("*.jsonl"), *folder.output.glob("*.jsonl")):
            path.unlink(missing_ok=True)
    for export in DatasetExport.objects.filter(project=project).select_related("run"):
        if not export.run.is_active:
            shutil.rmtree(folder_of(export.run).output, ignore_errors=True)


def answer(*, withdrawal: Withdrawal) -> dict[str, Any]:
    """What was erased, and what had used it: every snapshot, and every version of later stages, descendants too."""
    snapshots = list(withdrawal.snapshots.order_by("pk"))
    runs = list(withdrawal.runs.order_by("pk").values_list("pk", flat=True))
    versions = lineage.descended(
        project=withdrawal.project, snapshots={one.pk for one in snapshots}, runs=set(runs)
    )
    return {
        "project": withdrawal.project.slug,
        "annotator": withdrawal.annotator.pseudonym if withdrawal.annotator else None,
        "prompt": str(withdrawal.prompt.public_id) if withdrawal.prompt else None,
        "erased": {name: len(ids) for name, ids in withdrawal.erased.items()},
        "snapshots": [one.digest for one in snapshots],
        "runs": runs,
        **versions,
        "files_done": withdrawal.files_done_at is not None,
    }
