"""Django's checks: made here, and by no command, worker or scorer when it starts."""

from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import get_commands, load_command_class

from config.running import services


def test_they_find_nothing() -> None:
    assert run_checks() == []


def test_a_command_begins_without_them() -> None:
    ours = {config.name for config in apps.get_app_configs() if Path(config.path).parent == settings.BASE_DIR}
    commands = {name: load_command_class(app, name) for name, app in get_commands().items() if app in ours}
    assert len(commands) > 20
    # Django's own, but for what names may be.
    del commands["createsuperuser"]
    assert [name for name, command in commands.items() if command.requires_system_checks] == []


def test_workers_begin_without_them(tmp_path: Path) -> None:
    all_services = services.services(address="127.0.0.1:1", home=tmp_path)
    workers = [service.command for service in all_services if "celery" in service.command]
    assert len(workers) == 5
    assert all("--skip-checks" in command[: command.index("config.celery") + 2] for command in workers)
