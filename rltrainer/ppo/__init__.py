"""A policy follows a reward: KL-regularised PPO and REINFORCE. Pure torch.

What is maximised is R_hat(x, y) = R(x, y) - beta log(pi(y|x) / pi_ref(y|x)) (Ziegler et al. 1909.08593, eq. 2; Stiennon
et al. 2009.01325; InstructGPT 2203.02155, eq. 2), by policy gradient on sampled completions.

    config.py       PpoConfig, frozen, each default with its source
    divergence.py   estimators of the KL, and what holds beta
    rewards.py      R_hat token by token: the KL on every token, the score on the last one
    advantages.py   GAE, returns, whitening; REINFORCE's baselines
    losses.py       clipped policy and value losses, REINFORCE's loss, and what is counted beside them
    value.py        the value network, from the reward model or from the policy
    rollout.py      sample, score, and take the log-probabilities and values of a batch
    targets.py      a rollout to rewards, advantages and returns
    learner.py      policy and value network, with an optimizer each
    update.py       epochs x minibatches of optimizer steps on one rollout
    order.py        prompts and random numbers, by seed and step
    trainer.py      the training: what a step of the frame (lm/training.py) learns
    figures.py      the figures of a step
    watching.py     what the policy answers to a few fixed prompts as it learns
    report.py       mean reward and KL on held-out prompts, before and after
    train.py        the run "train": folder in, policy folder out
"""
