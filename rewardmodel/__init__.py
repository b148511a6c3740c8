"""Stage 2: judgements become a reward. Knows annotation through its published modules, and no policy.

models.py       RewardModelSettings, Fit, RewardModelVersion, Reward, Contest, Choosing, ...
bases.py        which backbone a fit starts from
fits.py         a fit as a kind of run: snapshot in, version out
activation.py   which version is the active one
retraining.py   fits that begin by themselves
scoring.py      scores of prompts with completions: from the resident scorer, else from a child
rewards.py      what versions give the completions of a project, as rows, and the run that has them score
scorer.py       how the resident scorer answers (loads torch)
contests.py     versions side by side on one held-out set
proposals.py    what a comparison says of a new version
choosing.py     which tasks are asked first
simulating.py   a reward model as the taste of simulated annotators
lineage.py      what versions were made from
handing_over.py   a version as a folder for transformers or peft
defaults.py     what a project's fits use unless one says otherwise
tasks.py        Celery's side
api.py          all of it for programs
errors.py       errors that say what to do
bradley_terry/  PURE torch: records, encoding, network, loss, fit, evaluate, artifact
"""
