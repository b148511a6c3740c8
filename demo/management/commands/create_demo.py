"""Make the demo project, or whatever of it is missing: safe to call again."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from annotation.errors import AnnotationError
from demo.create import Account, create_demo
from rltrainer.errors import PolicyError
from runs.commands import ConcordCommand
from runs.folder.files import read_json, write_json

# The passwords are random and stored hashed: this file, for the owner's eyes alone, is how a second start shows them.
ACCOUNTS_FILE = "demo_accounts.json"


class Command(ConcordCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.HOME) / ACCOUNTS_FILE
        try:
            create_demo(
                base=settings.DEFAULT_BASE,
                say=lambda text: self.stderr.write(text),
                keep=lambda accounts: _keep(path, accounts),
            )
        except (AnnotationError, PolicyError) as error:
            raise CommandError(str(error)) from error
        accounts = read_json(path) if path.exists() else []
        self.stdout.write(json.dumps({"project": "demo", "accounts": accounts}))


def _keep(path: Path, accounts: list[Account]) -> None:
    path.touch(mode=0o600)
    write_json(path, [account._asdict() for account in accounts])
    path.chmod(0o600)
