"""A project's judgements as a folder that ``datasets`` loads and model hubs show.

folder.py     what counts, as one Parquet file a kind, form of prompt and split, all of one moment
columns.py    what types the columns of a kind have
card.py       README.md: what the folder holds, who judged and how far they agree, by which guidelines

Made from the lines of annotation.files.export, which an export into JSONL gives: the same fields by the same names.
"""

from annotation.files.dataset.folder import write

__all__ = ["write"]
