"""Stage 2: judgements become a reward. Knows annotation through its published modules, and no policy.

models.py       RewardModelSettings, Fit, RewardModelVersion, ScoreRequest
bases.py        which backbone a fit starts from
fits.py         a fit as a kind of run: snapshot in, version out
activation.py   which version is the active one
retraining.py   fits that begin by themselves
scoring.py      scores of prompts with completions: from the resident scorer, else from a child
scorer.py       the resident scorer
bradley_terry/  PURE torch: records, encoding, network, loss, fit, evaluate, artifact
"""
