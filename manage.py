#!/usr/bin/env python
"""Concord's commands; ``manage.py help`` lists them."""

import os
import sys

# They read no rows, or (demo, serve) look after the server themselves.
WITHOUT_DATABASE = ["help", "--help", "version", "--version", "demo", "serve", "build_demo_policy"]


def main() -> None:
    """Run one command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from config import postgres

    if not set(WITHOUT_DATABASE) & set(sys.argv[1:2]):
        postgres.hold_for_command()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
