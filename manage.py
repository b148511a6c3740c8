#!/usr/bin/env python
"""Concord's commands; ``manage.py help`` lists them."""

import atexit
import os
import sys
import threading
from contextlib import suppress

# They read no rows, or (demo, serve) look after the server themselves.
WITHOUT_DATABASE = ["help", "--help", "version", "--version", "demo", "serve", "build_demo_policy"]


def main() -> None:
    """Run one command. What is wrong with the environment is told in one sentence, before anything is done."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from runs.folder.loading import loading

    with loading():
        import django
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line

        from config.running import postgres

    command = sys.argv[1:2]
    try:
        if not set(WITHOUT_DATABASE) & set(command):
            postgres.hold_for_command(migrating=command == ["migrate"])
            with loading():
                django.setup()
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


def leave(code: int) -> None:
    """End this process as it stands, once its threads have ended and what was registered for its end is done.

    To clear up an interpreter with all of Django in it takes a third of a short command's time. Where nobody reads what
    is still to be written (``manage.py ... | head``), it returns, and Python says so as it does.
    """
    from runs.folder import child

    threading._shutdown()  # type: ignore[attr-defined]  # as multiprocessing ends its children
    atexit._run_exitfuncs()
    with suppress(OSError):
        child.leave(code)


def exit_code() -> int:
    """Of the command, once it has run."""
    try:
        main()
    except SystemExit as ended:
        from runs.folder import child

        return child.exit_code(ended)
    return 0


if __name__ == "__main__":
    code = exit_code()
    leave(code)
    sys.exit(code)
