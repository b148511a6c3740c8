"""Files as other tools write them, understood before anything of them is stored.

    containers.py     a file or folder -> records: JSON Lines, a JSON list, CSV, Parquet, Arrow, a folder of datasets
    columns.py        what columns are called, which answer a word names, columns named by hand
    ours.py           records in the fields of our own kinds, and of common data sets of demonstrations
    preferences.py    published preference data: each shape, and its records as our lines
    tools.py          exports of Label Studio and Argilla
    understanding.py  which shape a file has, its counts and examples; all its lines

A record may become no line (nobody has answered it yet), one, or several (several people have).
"""
