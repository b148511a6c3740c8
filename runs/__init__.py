"""What a run is. Knows no stage and no torch.

models.py       Run, RunMetric, Artifact
kinds.py        what each app registers: prepare, command, finish, project
lifecycle.py    every change of a run's status, by compare-and-set
execution.py    how a worker carries out one run
child.py        one child process, ended for certain
foreground.py   a run carried out by a command itself, with a progress bar
artifacts.py    folders of files named by digest
cleaning.py     folders and artifacts that nobody needs any more are removed
tasks.py        Celery: execute a run, sweep
folder/         PURE: the child's side
"""
