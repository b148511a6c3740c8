"""Judgements become a reward, K-wise. Pure: no Django, settings, database, clock or global randomness.

config.py       FitConfig, EvaluateConfig, ScoreConfig              losses.py       a formula a function
records.py      the snapshot, strictly read                         objective.py    pairs of rankings to their loss
encoding.py     texts to token ids, rows that share a prompt        gradient.py     a step in several forward passes
packing.py      rows as tensors, the block mask, the check of it    batches.py      which rankings make a step
network.py      trunk and scalar head                               start.py        what a fit starts from
fit.py          the loop                                            finish.py       normalise, report, save
scoring.py      RewardModel: text in, normalised scores out         normalise.py    mean 0 and deviation 1
judged.py       held-out pairs, human agreement                     evaluate.py     the held-out report
calibration.py  ECE and reliability                                 artifact.py     a reward model folder, out and in
contest.py      several of them on one held-out set                 handing_over.py  a folder for transformers or peft
commands.py     fit, evaluate, score
"""
