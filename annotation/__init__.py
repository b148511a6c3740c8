"""Stage 1: people judge completions. Knows nothing of training; no torch.

models/       the rows, in the order of the data's path       people.py     projects, members, invitations
collecting/   the queue, what is shown, what people say       simulated.py  annotators that are none, always marked
checking/     gold and repeats, standing, adjudication        locks.py      the one order of locks
quality/      how far people agree, and their habits          rows.py       the few statements that are written out
files/        JSONL, imports, exports, snapshots              tokens.py     what programs come in with
withdrawal/   data taken back, and where it went              tasks.py      Celery's side
texts/        what strangers wrote, shown safely              commands.py   what its commands share
preferences/  PURE: tiers, agreement, splits                  errors.py     errors that say what to do
forms/ views/ api/ webhooks/                                  the ways in, and out
"""
