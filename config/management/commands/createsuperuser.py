"""Make an administrator; a name that differs from another account's in capitals alone is taken."""

from django.contrib.auth.management.commands import createsuperuser

from annotation.people import account_named


class Command(createsuperuser.Command):
    help = __doc__ or ""

    def _validate_username(self, username: str, verbose_field_name: str, database: str) -> str | None:
        if username and account_named(username) is not None:
            return f"Error: That {verbose_field_name} is already taken."
        problem: str | None = super()._validate_username(  # type: ignore[misc]  # not in the stubs
            username, verbose_field_name, database
        )
        return problem
