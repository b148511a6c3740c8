"""Texts that are hard to show well, and a task that has all of them."""

# ruff: noqa: RUF001, E501 (other scripts, and lines that are meant to be long)

from typing import Any

WORDS = "The ferry leaves from the old harbour at ten past every hour, and the last one comes back before midnight. "
LONG = "\n\n".join(f"Paragraph {number}: {WORDS * 6}" for number in range(1, 26))
CODE = """Read the file line by line:

```python
def longest(path: str) -> str:
    with open(path, encoding="utf-8") as lines:  # a comment that is much wider than a card is, so that it has to wrap somewhere
        return max(lines, key=len, default="")
```

or in the shell: `awk '{ if (length($0) > n) { n = length($0); line = $0 } } END { print line }' file.txt`.
"""
TABLE = """| City | Country | Population | Founded | River | Altitude | Time zone | Airport |
| --- | --- | ---: | --- | --- | ---: | --- | --- |
| Lisbon | Portugal | 545,796 | before 1200 BC | Tagus | 2 m | UTC+0 | LIS |
| Constantinople (today Istanbul) | Turkey | 15,701,602 | 660 BC | Bosporus (a strait) | 39 m | UTC+3 | IST |
"""
ARABIC = "العبّارة تغادر كل ساعة من الميناء القديم.\n\n- الأولى في السادسة\n- الأخيرة قبل منتصف الليل\n\n`npm install` يعمل أيضًا."
MIXED = "The word שלום means peace.\n\nהמילה peace פירושה שלום.\n\n1. ראשון\n2. שני"
CHINESE = (
    "渡轮每小时从旧港口出发，最后一班在午夜前返回。" * 12
    + "\n\n> 日本語の文章も、한국어 문장도 여기에 있습니다。"
)
EMOJI = "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇵🇹 " * 30
WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
TWICE = "Ten past every hour."

TEXTS = [LONG, CODE, TABLE, ARABIC, CHINESE, EMOJI + WORD, "", TWICE, TWICE]
TURNS = [
    {"role": "system", "content": "You know the ferries of Lisbon."},
    *(
        {"role": ("user", "assistant")[number % 2], "content": f"Turn {number}. {WORDS * (number % 4)}"}
        for number in range(18)
    ),
    {"role": "user", "content": MIXED},
]


def hard_task() -> dict[str, Any]:
    """A line of kind completions: twenty turns, nine texts; two of them are the same, by different sources."""
    completions = [{"text": text, "source": f"source {place}"} for place, text in enumerate(TEXTS)]
    return {"prompt": TURNS, "completions": completions}
