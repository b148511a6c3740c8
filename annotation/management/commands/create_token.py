"""Make a token for a program; its secret is printed once."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.commands import AnnotationCommand
from annotation.files.export import find_project
from annotation.models import ApiToken
from annotation.people import account_named
from annotation.tokens import USUAL_DAYS, create_token


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="the account that the program acts for")
        parser.add_argument("--name", default="command line", help="what will hold it")
        parser.add_argument("--project", metavar="SLUG", help="narrow it to one project")
        parser.add_argument(
            "--scope", action="append", choices=ApiToken.SCOPES, help="read without any; repeatable"
        )
        parser.add_argument(
            "--days", type=int, default=USUAL_DAYS, help=f"it expires after so many; {USUAL_DAYS} without any"
        )

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        user = account_named(options["username"])
        if user is None:
            raise CommandError(f"There is no account {options['username']!r}.")
        token, secret = create_token(
            user=user,
            name=options["name"],
            scopes=options["scope"] or [ApiToken.Scope.READ],
            project=find_project(options["project"]) if options["project"] else None,
            days=options["days"],
        )
        self.stderr.write("Keep it now: only its digest is stored, so it cannot be shown again.")
        return {"token": secret, "id": token.pk, "scopes": token.scopes, "project": options["project"]}
