"""Stage 3: the reward improves a policy.

models.py       PolicySettings, Training, PolicyVersion, Sampling, Evaluation
policies.py     policy versions: register a base, make one of a training, choose the current one
training.py     SFT, PPO and REINFORCE as a kind of run
sampling.py     a policy sampled into new tasks, as a kind of run
evaluation.py   policies compared on the same held-out prompts, as a kind of run
lineage.py      from a completion back to the rankings its policy was trained on
policy/         PURE torch: loading, generation, log-probabilities, SFT
ppo/            PURE torch: rollout, rewards, advantages, losses, trainer
demo/           the demo's closed domain, its texts and its small policy
"""
