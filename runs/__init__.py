"""What a run is. Knows no stage and no torch.

models.py       Run, RunMetric, RunAnswer, Artifact
kinds.py        what each app registers: prepare, command, finish, project
lifecycle.py    every change of a run's status, by compare-and-set
execution.py    how a worker carries out one run
preparing.py    how a preparation between its batches hears that it is to stop
workers.py      which queues have a worker
waiting.py      when a queued run is likely to begin
child.py        one child process, ended for certain
log.py          what it printed, from a place on
foreground.py   a run carried out by a command itself, with a progress bar
artifacts.py    folders of files named by digest
cleaning.py     folders and artifacts that nobody needs any more are removed
ends.py         who hears that a run has ended
noting.py       what people write beside a run
writing.py      how a function of the write path runs: one transaction, begun again where Postgres gave it up
pushing.py      a folder onto a model hub, by a command
tasks.py        Celery: execute a run, sweep
commands.py     what commands that start runs share
api.py          a run as the API shows it
errors.py       errors that say what to do
resident/       a process that keeps what is asked often loaded
folder/         PURE: the child's side
"""
