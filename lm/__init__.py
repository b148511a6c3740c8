"""What every stage needs of a language model. Pure torch: no Django, settings, database, clock or global randomness.

rendering.py   messages and templates to text; encoding.py: prompts and completions to token ids, EOS once
scratch.py     a tokenizer and a small network made from scratch
loading.py     a tokenizer and a trunk by hub name or folder
trial.py       what every base is tried for as it is loaded
manifest.py    a folder's meta.json against its files
lora.py        an adapter's sizes and file, without torch; adapter.py: LoRA put in, switched off, merged
settings.py    fields that configs share, without torch
padding.py     rows of token ids to one batch
training.py    the frame of every training
tracking.py    its figures told to TensorBoard, Weights & Biases or MLflow too
ranks.py       the processes of one training, and what they do together
optimizer.py   AdamW over named parameters, the schedule of its rate, and its state as tensors
origin.py      what a checkpoint belongs to; another run's is refused
subset.py      some of many, drawn by seed
devices.py     where a run computes, and in which precision
bootstrap.py   means with intervals, by drawing prompts again
handing_over.py   what a version is told when it goes out to others; card.py: its README.md
"""
