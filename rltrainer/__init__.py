"""Stage 3: the reward improves a policy.

models.py       PolicySettings, Training, PolicyVersion, Sampling, Evaluation
policies.py     policy versions: register a base, make one of a training, choose the current one
registering.py  a policy that was trained elsewhere is tried, and becomes a version
training.py     SFT, PPO and REINFORCE as a kind of run
succession.py   whether the policy that a training made takes the place of the current one
sampling.py     a policy sampled into new tasks, as a kind of run
evaluation.py   policies compared on the same held-out prompts, as a kind of run
lineage.py      from a completion back to the rankings its policy was trained on
answering.py    answers to prompts, tried out and not stored; answerer.py: how the resident scorer gives them
handing_over.py   a version as a folder for transformers or peft
defaults.py     what a project's runs use unless one says otherwise
api.py          all of it for programs
errors.py       errors that say what to do
policy/         PURE torch: loading, generation, log-probabilities, SFT
ppo/            PURE torch: rollout, rewards, advantages, losses, trainer
"""
