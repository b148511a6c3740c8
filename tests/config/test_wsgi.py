"""The connections of web processes."""

import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = pytest.mark.processes

SCRIPT = """
import config.wsgi
from django.db import connection
connection.settings_dict["NAME"] = "postgres"
with connection.cursor() as cursor:
    for name in ("plan_cache_mode", "jit"):
        cursor.execute(f"SHOW {name}")
        print(name, cursor.fetchone()[0])
print("prepared after", connection.connection.prepare_threshold)
"""


def test_what_a_judgement_waits_for_is_planned_once_a_connection() -> None:
    child = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert child.stdout.splitlines() == [
        "plan_cache_mode force_generic_plan",
        "jit off",
        "prepared after 1",
    ], child.stderr
