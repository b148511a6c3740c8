"""What is wrong with a line or a file.

ValueError
├── BadField     one field of one line, or the whole line where ``field`` is empty
└── BrokenFile   the file cannot be read on: a damaged gzip stream, or a file that is no JSONL
"""


class BadField(ValueError):
    """A field that cannot be taken as it is; ``reason`` says what it must be."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


class BrokenFile(ValueError):
    """The file cannot be read on; the message says why, and what to do."""
