"""What holds for the checkout as a whole: locks, migrations, what the web process loads."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

ROOT = Path(settings.BASE_DIR)


def test_the_lock_names_torch_as_every_index_has_it() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert "torch==2.13.0" in lines
    # A local label (+cpu) is on one index only, and nvidia's packages come with the build that one chooses.
    assert [line for line in lines if re.search(r"==[^ ]*\+|^nvidia|^triton", line)] == []
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^ ]+", line) for line in lines)


@pytest.mark.django_db
def test_every_change_of_a_model_has_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=1)


@pytest.mark.processes
def test_the_web_process_loads_no_torch() -> None:
    code = (
        "import sys, config.wsgi, config.urls, config.celery, runs.tasks, annotation.tasks\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"
        "print(sorted({'torch', 'transformers', 'peft', 'safetensors'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": "postgres://nobody@localhost/none"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
