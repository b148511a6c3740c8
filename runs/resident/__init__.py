"""The resident scorer: one process that keeps models loaded and answers what pages and programs ask of them.

asking.py    whoever asks: the question and its answer are one row, woken by NOTIFY
serving.py   the process: which kinds of question there are, the models used last, one question after another
"""
