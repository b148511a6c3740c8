"""A policy: loaded, sampled, scored, and trained on demonstrations. Pure torch.

config.py             the frozen configs of the runs, without torch
loading.py            Policy from a hub name or folder, its reference, and back into a folder
bases.py              whether a base can do what a policy must, tried at load; check.py: the run "check"
artifact.py           meta.json: the digests of a policy folder
encoding.py           prompts to ids
forward.py            the trunk, and the head where it is wanted
log_probabilities.py  log pi and entropy of completions, without (B, T, V)
generation.py         completions with a cache that samples share and ended rows leave; sampling.py: the next token
demonstrations.py     demonstrations to ids and batches
sft_start.py          what SFT starts from; sft_loss.py: its loss
sft.py                the run "sft"
prompts.py            inputs/prompts.jsonl
sample.py             the run "sample": distinct completions to be ranked
answers.py            answers of one policy and their figures
evaluate.py           the run "evaluate": several policies on the same prompts
handing_over.py       a policy as a folder for transformers or peft, with a card
"""
