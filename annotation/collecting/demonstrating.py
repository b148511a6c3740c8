"""Demonstrations that people write here, and their review by a second person.

submit          the answer to an open assignment; with review it waits, without it counts at once
revise          the author's later version, which waits again where there is review
claim_review    the oldest that waits, for somebody else than its author; it stays with them for a lease
accept          as it is, or with the reviewer's edits as a version of its own
send_back       to the author, with a comment

What is neither current nor accepted trains nothing and is not exported (Demonstration.objects.accepted).
"""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from annotation import locks
from annotation.checking import standing
from annotation.collecting import holding
from annotation.errors import BadRequest, BadText, LeaseOver, NotAllowed
from annotation.files.intake.names import person_source
from annotation.models import Annotator, Assignment, Demonstration, Project, Task
from runs.writing import write

Review = Demonstration.Review
LONGEST_COMMENT = 2_000


@write
def submit(
    *,
    assignment: Assignment,
    annotator: Annotator,
    text: str,
    active_seconds: float | None = None,
    guidelines_shown: int | None = None,
) -> Demonstration:
    """Store what the annotator wrote for their open assignment, and close it. Locks the assignment's row.

    ``guidelines_shown`` is the version that stood beside it (holding.judged_under).
    A double submit gets the first one's demonstration back. Raises BadText, BadRequest, LeaseOver.
    """
    locked = holding.hold(assignment=assignment, annotator=annotator, kind=Task.Kind.DEMONSTRATE)
    if locked.status == Assignment.Status.SUBMITTED:
        stored = Demonstration.objects.current().get(assignment=locked)
        stored.assignment = locked
        return stored
    written = Demonstration.objects.create(
        project=locked.project,
        prompt=locked.task.prompt,
        source=person_source(annotator),
        author=annotator,
        assignment=locked,
        text=checked_text(locked.project, text),
        active_seconds=active_seconds,
        guideline_version=holding.judged_under(locked.project, locked.annotator, guidelines_shown),
        review=_first_state(locked.project),
    )
    holding.close(locked)
    return written


def says_the_same(demonstration: Demonstration, *, text: str) -> bool:
    """Whether ``text`` is what ``demonstration`` stores already."""
    return demonstration.text == _plain(text)


def revisable(annotator: Annotator) -> QuerySet[Demonstration]:
    """The annotator's own that may be changed: while the project allows it, or sent back whenever; newest first."""
    demonstrations = Demonstration.objects.current().filter(author=annotator, assignment__isnull=False)
    open_ = Q(review=Review.SENT_BACK) | Q(created_at__gte=annotator.project.revisable_since, edited=False)
    return demonstrations.filter(open_).select_related("prompt", "project").order_by("-pk")


@write
def revise(
    *,
    demonstration: Demonstration,
    annotator: Annotator,
    text: str,
    active_seconds: float | None = None,
    guidelines_shown: int | None = None,
) -> Demonstration:
    """The author's new version in the place of ``demonstration``. Locks the annotator's row and its own: of two at once
    the second is refused. Raises BadText, BadRequest, NotAllowed."""
    old = _locked(demonstration, annotator)
    if old.author_id != annotator.pk:
        raise NotAllowed("This is not yours to change.")
    if not old.is_current:
        raise BadRequest("It was changed a moment ago, maybe in another tab. Open it again.")
    return _put_in_place(
        old,
        text=checked_text(old.project, text),
        active_seconds=active_seconds,
        guideline_version=holding.judged_under(old.project, annotator, guidelines_shown),
        review=_first_state(old.project),
    )


@write
def claim_review(*, reviewer: Annotator) -> Demonstration | None:
    """The demonstration that ``reviewer`` has in hand, or the oldest that waits, or None.

    Locks the reviewer's row (two tabs get the same one), and takes it under SKIP LOCKED: two people get two.
    Raises ClaimsPaused.
    """
    locks.annotator(reviewer)
    reviewer.refresh_from_db(fields=["standing"])
    standing.refuse_paused(reviewer)
    waiting = Demonstration.objects.reviewable_by(reviewer).select_related("prompt", "project", "author")
    in_hand = waiting.filter(held_by=reviewer).order_by("pk").first()
    free = waiting.filter(Q(held_until=None) | Q(held_until__lt=Now()))
    taken = (
        in_hand or free.select_for_update(skip_locked=True, of=("self",), no_key=True).order_by("pk").first()
    )
    if taken is not None:
        lease = timedelta(seconds=reviewer.project.lease_seconds)
        Demonstration.objects.filter(pk=taken.pk).update(held_by=reviewer, held_until=Now() + lease)
    return taken


@write
def accept(
    *, demonstration: Demonstration, reviewer: Annotator, text: str = "", comment: str = ""
) -> Demonstration:
    """Accept it; another ``text`` than its own becomes a version of its own, marked as edited.

    Locks the reviewer's row and its own. Raises BadText, BadRequest, NotAllowed.
    """
    locked = _for_review(demonstration, reviewer)
    decision = {"review": Review.ACCEPTED, "reviewer": reviewer, "comment": _plain(comment)}
    new_text = _plain(text) if text.strip() else locked.text
    if new_text != locked.text:
        edited = checked_text(locked.project, new_text)
        return _put_in_place(locked, text=edited, edited=True, reviewed_at=Now(), **decision)
    Demonstration.objects.filter(pk=locked.pk).update(
        reviewed_at=Now(), held_by=None, held_until=None, **decision
    )
    locked.refresh_from_db()
    return locked


@write
def send_back(*, demonstration: Demonstration, reviewer: Annotator, comment: str) -> Demonstration:
    """Give it back to its author, who sees the comment. Locks the reviewer's row and its own. Raises BadRequest,
    NotAllowed."""
    if not comment.strip():
        raise BadRequest("Say what should be different, so that its author can change it.")
    locked = _for_review(demonstration, reviewer)
    Demonstration.objects.filter(pk=locked.pk).update(
        review=Review.SENT_BACK,
        reviewer=reviewer,
        comment=_plain(comment),
        reviewed_at=Now(),
        held_by=None,
        held_until=None,
    )
    locked.refresh_from_db()
    return locked


def checked_text(project: Project, text: str) -> str:
    """With plain line ends and without space around it. Raises BadText."""
    plain = _plain(text)
    if not plain:
        raise BadText("Write an answer before you submit it.")
    if "\0" in plain or len(plain.encode(errors="replace")) > settings.MAX_TEXT_BYTES:
        raise BadText(f"An answer holds at most {settings.MAX_TEXT_BYTES} bytes, and no NUL characters.")
    least = project.demonstration_least_characters
    if len(plain) < least:
        raise BadText(f"An answer has at least {least} characters here; this one has {len(plain)}.")
    return plain


def _plain(text: str) -> str:
    """Browsers send CRLF."""
    return text.replace("\r\n", "\n").strip()


def _first_state(project: Project) -> str:
    return Review.WAITING if project.review_demonstrations else Review.ACCEPTED


def _locked(demonstration: Demonstration, by: Annotator) -> Demonstration:
    locks.annotator(by)
    rows = Demonstration.objects.select_for_update(of=("self",), no_key=True)
    locked = rows.select_related("project", "prompt", "author").get(pk=demonstration.pk)
    if locked.prompt.withdrawn_at or (locked.author and locked.author.withdrawn_at):
        raise BadRequest("This was taken back. Take the next one.")
    return locked


def _for_review(demonstration: Demonstration, reviewer: Annotator) -> Demonstration:
    """Locked, and ``reviewer`` may decide on it. Raises NotAllowed, BadRequest, LeaseOver."""
    locked = _locked(demonstration, reviewer)
    if locked.project_id != reviewer.project_id or locked.author_id == reviewer.pk:
        raise NotAllowed("Nobody reviews what they wrote themselves.")
    if not locked.is_current:
        raise BadRequest("Its author wrote another version meanwhile. Take the next one.")
    if locked.review != Review.WAITING:
        raise BadRequest("Somebody has reviewed it already. Take the next one.")
    if locked.held_by_id not in {None, reviewer.pk}:
        raise LeaseOver("Somebody else has it for review now. Take the next one.")
    return locked


def _put_in_place(old: Demonstration, **changes: object) -> Demonstration:
    """A new version that supersedes ``old``."""
    Demonstration.objects.filter(pk=old.pk).update(is_current=False, held_by=None, held_until=None)
    kept = ("project", "prompt_id", "source_id", "author", "assignment_id", "active_seconds")
    values = {name: getattr(old, name) for name in kept}
    return Demonstration.objects.create(
        **{**values, "guideline_version": old.project.guideline_version, **changes}, supersedes=old
    )
