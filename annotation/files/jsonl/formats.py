"""Files that are no JSONL, told by how they begin: one sentence that says what it is and what to do with it.

Otherwise each of their lines would be a bad one.
"""

import re

from annotation.files.jsonl.errors import BrokenFile

HEAD_BYTES = 4096
_LINES = 'one JSON object a line ("JSON Lines")'
_PANDAS = 'to_json("file.jsonl", orient="records", lines=True, force_ascii=False)'
_AS_IT_IS = "import it as “what the file itself says”"
_BINARY = {
    b"PAR1": (
        "a Parquet file",
        f'{_AS_IT_IS}, or write it as JSONL: pandas.read_parquet("file.parquet").{_PANDAS}',
    ),
    b"ARROW1": (
        "an Arrow file of datasets",
        f'{_AS_IT_IS}, or write it as JSONL: datasets.load_from_disk("folder").to_json("file.jsonl")',
    ),
    b"PK\x03\x04": (
        "a ZIP archive or a spreadsheet",
        f"unpack it, or save the sheet as CSV and then pandas.read_csv(...).{_PANDAS}",
    ),
    b"BZh": ("packed by bzip2", "unpack it, or pack it by gzip, which is read as it is"),
    b"\xfd7zXZ": ("packed by xz", "unpack it, or pack it by gzip, which is read as it is"),
    b"\x28\xb5\x2f\xfd": ("packed by zstd", "unpack it, or pack it by gzip, which is read as it is"),
    b"%PDF": ("a PDF", f"import takes {_LINES}"),
    b"SQLite format 3": ("an SQLite database", f"export its rows as {_LINES}"),
    b"\xff\xfe": ("a text in UTF-16", "save it as UTF-8 (in PowerShell: Set-Content -Encoding utf8)"),
    b"\xfe\xff": ("a text in UTF-16", "save it as UTF-8"),
}
# A row of names, as a spreadsheet's first line: words between commas, semicolons or tabs.
_NAMES = re.compile(r'"?[\w .-]+"?([,;\t]"?[\w .-]+"?)+\s*$')


def refuse_others(head: bytes) -> None:
    """Refuse what ``head``, the first bytes of a file (unpacked), shows to be something else. Raises BrokenFile."""
    for magic, (what, advice) in _BINARY.items():
        if head.startswith(magic):
            raise BrokenFile(f"it is {what}: {advice}")
    text = without_mark(head).decode(errors="replace")
    first, _, rest = text.partition("\n")
    first = first.strip()
    if begins_list(text) and not text.startswith("[]"):
        raise BrokenFile(
            f"it is one JSON list, and this kind takes {_LINES}: {_AS_IT_IS}, or jq -c '.[]' file.json > file.jsonl, "
            f'or pandas.read_json("file.json").{_PANDAS}'
        )
    if goes_over_lines(text):
        raise BrokenFile(
            f"it is JSON over several lines, and this kind takes {_LINES}: {_AS_IT_IS}, "
            "or jq -c . file.json > file.jsonl"
        )
    if _NAMES.match(first) and rest:
        raise BrokenFile(
            f"it is a table (CSV) with the columns {first[:200]}, and this kind takes {_LINES}: "
            f'{_AS_IT_IS}, or pandas.read_csv("file.csv").{_PANDAS}, with the columns named as the fields of the kind'
        )
    if text.startswith("<"):
        raise BrokenFile(f"it is a web page or XML, and import takes {_LINES}")


def without_mark(head: bytes) -> bytes:
    """``head`` from its first letter on: without a byte order mark and blanks."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()


def begins_list(text: str) -> bool:
    """Whether ``text``, a file's beginning, is that of one JSON list."""
    return text.startswith("[")


def goes_over_lines(text: str) -> bool:
    """Whether ``text``, a file's beginning, is that of JSON objects over several lines each."""
    first, _, rest = text.partition("\n")
    return first.strip() == "{" and bool(rest.strip())
