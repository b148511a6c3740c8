"""Tiers and what follows from them. Pure: no Django, settings, database, clock or global randomness.

tiers.py        ranks -> dense tiers -> strict pairs and ties
splits.py       a prompt's digest, and the split that its opening decides
task_key.py     what makes two tasks the same
agreement.py    how far annotators agree
tally.py        the same, and their habits, as sums over tasks with intervals
care.py         credit for an order, and how often the first shown wins
"""
