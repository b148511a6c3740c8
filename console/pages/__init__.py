"""Researchers' pages: views of the admin site, filtered by membership (console.site mounts them); their forms are
console.forms.

access.py     who may see which project and which run
index.py      what needs a decision, over all of a person's projects
project.py    a project's home: its loop, what is worth doing next, how it went
reward_models.py, policies.py, runs.py, settings.py    its versions, its runs, what it asks of annotators
try_it.py     a prompt answered by several policies, and texts scored, on the spot
acting.py     what a form of these pages does when it is sent
quality.py    how far a project's annotators agree, and their habits
charts.py     figures as points of a picture
annotators.py who judges with care: gold, repeats, position, warnings and pauses
flags.py      what annotators flagged and skipped
disagreements.py  tasks whose annotators disagree, to be decided
withdrawals.py    data taken back, and everything that had used it
webhooks.py   which servers hear of a project, and what they were sent
run.py        one run: status, progress, curves, log, cancel
answers.py    what a policy answers to the watched prompts as it learns, the words marked that changed
evaluation.py, contest.py, findings.py   what a run found: of policies, of reward models, in words
data.py       a list of one kind of data, narrowed by its address; datum.py: one row whole
look.py       how a file of another tool is understood, before anything of it is stored
new_project.py, people.py   a project is made; who works on it
preview.py    guidelines as annotators will read them
accounts.py   logging in, and passwords
tokens.py     a person's own tokens for programs
"""
