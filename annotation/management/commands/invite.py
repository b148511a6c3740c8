"""Make a link that lets a person into a project, once."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.commands import AnnotationCommand
from annotation.files.export import find_project
from annotation.members import invite
from annotation.models import Membership


class Command(AnnotationCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--role", required=True, choices=Membership.Role.values)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        project = find_project(options["project"])
        path = invite(project=project, email=options["email"], role=options["role"])
        self.stderr.write("Send this link to them, with your server's address before it; it works once.")
        return {
            "project": project.slug,
            "email": options["email"],
            "role": options["role"],
            "invitation": path,
        }
