#!/usr/bin/env python
"""Concord's commands; ``manage.py help`` lists them."""

import os
import sys

# They read no rows, or (demo, serve) look after the server themselves.
WITHOUT_DATABASE = ["help", "--help", "version", "--version", "demo", "serve", "build_demo_policy"]


def main() -> None:
    """Run one command. What is wrong with the environment is told in one sentence, before anything is done."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from config.running import postgres

    command = sys.argv[1:2]
    try:
        if not set(WITHOUT_DATABASE) & set(command):
            postgres.hold_for_command(migrating=command == ["migrate"])
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
