"""Tiers and what follows from them. Pure: no Django, settings, database, clock or global randomness.

tiers.py        ranks -> dense tiers -> strict pairs and ties
splits.py       a prompt's digest, and the split that its opening decides
task_key.py     what makes two tasks the same
agreement.py    what is said of the pairs of one task, and how far two annotators agree on it
tally.py        what tasks add to agreement and habits, as sums over tasks
estimates.py    the statistics of these sums, with intervals
care.py         credit for an order, and how often the first shown wins
axes.py         the named scales of ratings
shares.py       a share in words
"""
