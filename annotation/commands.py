"""What annotation's commands share: named errors become CommandError, and the answer is one JSON object on stdout."""

import json
from typing import Any

from django.core.management.base import CommandError

from annotation.errors import AnnotationError, BadRequest
from annotation.files.intake import open_input
from runs.commands import ConcordCommand


class AnnotationCommand(ConcordCommand):
    """A command that parses its arguments and calls one function."""

    def perform(self, options: dict[str, Any]) -> dict[str, Any] | None:
        """Call the function; returns what stdout shows, or None where it is written already."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answer = self.perform(options)
        except AnnotationError as error:
            raise CommandError(str(error)) from error
        if answer is not None:
            self.stdout.write(json.dumps(answer, ensure_ascii=False))


def read_text(path: str) -> str:
    """The text of a file, with plain line ends; "-" is stdin. Raises BadRequest where it is none."""
    with open_input(path) as stream:
        try:
            text = stream.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise BadRequest(f"{path} is not UTF-8: save it as UTF-8.") from error
    return text.replace("\r\n", "\n")
