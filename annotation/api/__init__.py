"""Stage 1 for programs, mounted under /api/v1/ by config; views parse and call, as pages do.

Shared by the endpoints of every stage:
    base.py             who may call, of which project it speaks
    authentication.py   tokens
    rate.py             how often
    idempotency.py      a POST that is sent again
    paging.py           lists by cursor
    sorting.py          lists by something else than time
    filters.py          named query parameters
    parsing.py          what a request says
    preconditions.py    what two could write
    settings.py         settings that a later stage keeps

In the order of the data's path:
    projects.py     projects, their settings and annotators
    members.py      members and invitations
    prompts.py      prompts and completions
    tasks.py        tasks, the state of their slots, their priority
    answers.py      what a program says of a task
    judging.py      an annotator at work: next task, draft, submit, rate, write, skip, release, flag
    revising.py     what was submitted, changed while the project allows it
    own_work.py     what an annotator judged, and how far they are
    reviews.py      a second person reads what somebody wrote
    flags.py        what somebody should look at, and what became of it
    skips.py        what annotators passed over
    checking.py     gold tasks, decisions where annotators disagree, figures and standing, pauses
    judgements.py   rankings, ratings, demonstrations, agreement
    quality.py      statistics with their intervals
    snapshots.py    what runs trained on
    transfers.py    files in and out
    withdrawals.py  data taken back
    webhooks.py     who is told what happens
"""
