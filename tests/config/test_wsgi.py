"""What a web process is as it starts: its connections, and what its collector of cycles leaves alone."""

import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = pytest.mark.processes

SCRIPT = """
import config.wsgi, time
from django.db import connection
connection.settings_dict["NAME"] = "postgres"
with connection.cursor() as cursor:
    for name in ("plan_cache_mode", "jit"):
        cursor.execute("SELECT setting, source FROM pg_settings WHERE name = %s", [name])
        print(name, *cursor.fetchone())
print("prepared after", connection.connection.prepare_threshold)
now = time.monotonic()
time.monotonic = lambda: now + 1800
connection.close_if_unusable_or_obsolete()
print("kept for half an hour", connection.connection is not None)
"""
COLLECTOR = """
import config.wsgi, gc, sys
from django.urls import get_resolver
looked_at = {id(one) for one in gc.get_objects()}  # without what is frozen
views = [one.callback for one in get_resolver("console.api.urls").url_patterns[0:2]]
print(gc.get_freeze_count() > 100_000, [id(one) in looked_at for one in views], gc.get_threshold()[0])
"""


def test_what_a_judgement_waits_for_is_planned_once_a_connection() -> None:
    child = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert child.stdout.splitlines() == [
        "plan_cache_mode force_generic_plan session",
        "jit off session",
        "prepared after 1",
        "kept for half an hour True",
    ], child.stderr


def test_what_is_loaded_is_looked_at_by_no_collection_during_a_request() -> None:
    child = subprocess.run(
        [sys.executable, "-c", COLLECTOR], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert child.stdout.split("\n")[0] == "True [False, False] 50000", child.stderr
