"""Annotators' pages. Views parse and call; queue, ranking and people decide.

home.py         a person's projects
ranking.py      the ranking page, its drafts, skips and submissions
invitation.py   the link that makes its holder a member
access.py       who may see what
"""
