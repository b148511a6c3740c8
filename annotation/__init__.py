"""Stage 1: people judge completions. Knows nothing of training; no torch.

models/       the rows, in the order of the data's path       people.py     projects, and pseudonyms in them
collecting/   the queue, what is shown, what people say       members.py    roles, invitations, leaving
checking/     gold and repeats, standing, adjudication        simulated.py  annotators that are none, always marked
quality/      how far people agree, and their habits          locks.py      the one order of locks
files/        JSONL, imports, exports, snapshots, splits      rows.py       the few statements that are written out
withdrawal/   data taken back, and where it went              tokens.py     what programs come in with
texts/        what strangers wrote, shown safely              tasks.py      Celery's side
preferences/  PURE: tiers, agreement, splits                  commands.py   what its commands share
forms/ views/                 the ways in: pages              sessions.py   whose browser it is
api/                          the ways in: programs           passwords.py  what a password has to be
webhooks/                     the way out                     configuring.py settings, by command
                                                              counting.py   counts that are shown at once
                                                              patience.py   how long one searches for anybody
                                                              errors.py     errors that say what to do
"""
