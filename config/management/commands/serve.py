"""Start Concord for real projects; asks for the first administrator where there is none."""

import sys

from django.contrib.auth import get_user_model
from django.core.management import call_command

from config.running.command import LaunchCommand


class Command(LaunchCommand):
    help = __doc__ or ""

    def prepare(self) -> str:
        """See to it that an administrator exists, or say how to make one."""
        ready = "\nConcord is ready: {address}\nCtrl+C ends it; make serve starts it again."
        if get_user_model()._default_manager.filter(is_superuser=True).exists():
            return ready
        if sys.stdin.isatty():
            self.stderr.write("There is no administrator yet; this account will be the first.")
            call_command("createsuperuser")
            return ready
        return f"{ready}\nThere is no administrator yet: .venv/bin/python manage.py createsuperuser"
