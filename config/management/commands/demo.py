"""Start Concord with a demo project that can be ranked at once."""

import json
from io import StringIO
from typing import Any

from django.core.management import call_command

from config.running.command import LaunchCommand


class Command(LaunchCommand):
    help = __doc__ or ""

    def prepare(self) -> str:
        """Make the demo project; returns its accounts as a table."""
        out = StringIO()
        call_command("create_demo", stdout=out)
        answer: dict[str, Any] = json.loads(out.getvalue())
        rows = [f"    {one['role']:14} {one['username']:16} {one['password']}" for one in answer["accounts"]]
        table = "\n".join(["    account        name             password", *rows])
        return (
            f"\nConcord is ready: {{address}}\n\n{table}\n\n"
            "Log in as the annotator to rank, as the researcher to fit and train.\n"
            "Ctrl+C ends it; make demo starts it again."
        )
