"""Tables that a benchmark makes, and their places in the documents."""

from collections.abc import Mapping, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
PERFORMANCE = CHECKOUT / "docs" / "performance.md"
_END = "<!-- end -->\n"


def table(rows: Sequence[Mapping[str, object]]) -> str:
    """In Markdown; the columns are those of all rows, in the order in which they first come."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [[str(row.get(name, "")) for name in columns] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def put(name: str, text: str, page: Path = PERFORMANCE) -> None:
    """Replace what stands on ``page`` between ``<!-- made by NAME -->`` and the next ``<!-- end -->``."""
    mark = f"<!-- made by {name} -->\n"
    before, mark_there, rest = page.read_text(encoding="utf-8").partition(mark)
    _, ended, after = rest.partition(_END)
    if not (mark_there and ended):
        raise ValueError(f"{page} has no place for {name}")
    page.write_text(before + mark + text + _END + after, encoding="utf-8")
