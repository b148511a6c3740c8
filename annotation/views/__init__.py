"""Annotators' pages. Views parse and call; queue, ranking and people decide.

home.py         a person's projects
judging.py      the next task on the page of its kind, drafts, and what these pages share
ranking.py      the ranking page and the page of pairs; skips, flags and handing back of every kind
rating.py       the rating page
demonstration.py  writing answers, and reviewing those of others
history.py      one's recent work, and changing it
invitation.py   the link that makes its holder a member
access.py       who may see what
once.py         a template tag: what is the same on many pages is rendered once
offline.py      what lets a task be loaded again without a connection
"""
