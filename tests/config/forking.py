"""Commands of Concord in forks of a process that has loaded what they load: python -m tests.config.forking

A start that is refused takes half a second, nearly all of it to load Django. Each line that this reads is one command:
its arguments, its environment and the files of its stdout and stderr. It answers each with the exit code.
"""

import importlib
import json
import os
import runpy
import sys

# What needs no settings: these are read in the fork, from its own environment.
LOADED = (
    "config.running.postgres",
    "django.contrib.admin",
    "django.core.management",
    "django.db.backends.postgresql.base",
    "kombu",
    "celery.app.base",
    "rest_framework.serializers",
    "django.views.debug",
)


def main() -> None:
    for module in LOADED:
        importlib.import_module(module)
    for line in sys.stdin:
        command = json.loads(line)
        child = os.fork()
        if child == 0:
            become(**command)
            return
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def become(arguments: list[str], environment: dict[str, str], files: list[str]) -> None:
    """Go on as ``manage.py``."""
    for number, name in enumerate((os.devnull, *files)):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["manage.py", *arguments]
    runpy.run_path("manage.py", run_name="__main__")


if __name__ == "__main__":
    main()
