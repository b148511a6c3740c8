"""Celery on Postgres through kombu's pgmq transport (DESIGN: Servers).

A message only says "look at run 17"; the truth is the row. So acknowledgement is early, there is no
result backend, and losing a message costs at most one sweep.
"""

import os
from typing import Any

from celery import Celery
from kombu import pools

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# By this name an operator tells the connections of workers and of what sends to them from those of pages.
CONNECTIONS = "concord celery"

app = Celery("concord")
# The web process sends through this app too: config.apps imports this module when Django is ready.
app.set_default()


def _broker() -> dict[str, object]:
    from django.conf import settings

    if settings.OWN_BROKER:
        return {"broker_url": settings.OWN_BROKER}
    return {
        "broker_url": "pgmq://localhost",  # the address that counts is conn_string
        "broker_transport": "config.broker:Transport",
        "broker_transport_options": {
            "conn_string": _address(settings.DATABASES["default"]),
            "init_extension": False,
            "use_notify": True,
            "visibility_timeout": 60,
            # A read that waits does so in the server, which looks ten times a second. A notification wakes us instead.
            "wait_time_seconds": 0,
            # Of seconds, while the database is away: a worker that is told to leave hears of it in between.
            "pool_timeout": 5,
        },
    }


def _address(database: dict[str, Any]) -> str:
    """The transport's connection string, in libpq's key=value form: a URL with ?host= is not parsed by it.

    The transport parses it and writes the parts out again without quotes (pgmq.base.PGMQConfig.dsn), so each
    part is quoted twice: what is left after its parsing is quoted still. Options such as sslmode ride behind the
    password, which it writes last.
    """
    names = {"host": "HOST", "port": "PORT", "dbname": "NAME", "user": "USER", "password": "PASSWORD"}
    values = {key: _quoted(str(database[name])) for key, name in names.items() if database.get(name)}
    options = {"application_name": CONNECTIONS, **database.get("OPTIONS", {})}
    riders = [f"{key}={_quoted(value)}" for key, value in options.items() if isinstance(value, str)]
    values["password"] = " ".join([values.get("password", "''"), *riders])
    return " ".join(f"{key}={_quoted(value)}" for key, value in values.items())


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def configure() -> None:
    """Read the settings into Celery's. Called once, when Django's settings are ready."""
    from django.conf import settings

    app.conf.update(
        **_broker(),
        task_ignore_result=True,
        task_default_queue="quick",
        task_create_missing_queues=True,
        # Remote control's reply queues have names too long for pgmq; cancelling goes through the database.
        worker_enable_remote_control=False,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        timezone="UTC",
        # On quick stands only what takes a moment, reads no file and asks nobody else: sweeps wait behind it.
        beat_schedule={
            "sweep-runs": {
                "task": "runs.sweep",
                "schedule": settings.SWEEP_SECONDS,
                "options": {"queue": "quick"},
            },
            "expire-assignments": {
                "task": "annotation.expire_assignments",
                "schedule": settings.SWEEP_SECONDS,
                "options": {"queue": "quick"},
            },
            # Counting after a large import takes minutes, which no sweep should wait for.
            "count-judgements": {
                "task": "annotation.count_judgements",
                "schedule": settings.SWEEP_SECONDS,
                "options": {"queue": "cpu", "expires": settings.SWEEP_SECONDS},
            },
            # A queue of its own: a stranger's server may be slow, which neither sweeps nor runs should wait for, and
            # an import of an hour on cpu is no reason to tell others late.
            "send-webhooks": {
                "task": "annotation.send_webhooks",
                "schedule": settings.SWEEP_SECONDS,
                "options": {"queue": "webhooks", "expires": settings.SWEEP_SECONDS},
            },
            "forget-old": {
                "task": "annotation.forget_old",
                "schedule": 3600.0,
                "options": {"queue": "quick", "expires": 3600.0},
            },
            "retrain-reward-models": {
                "task": "rewardmodel.retrain",
                "schedule": settings.SWEEP_SECONDS,
                "options": {"queue": "quick", "expires": settings.SWEEP_SECONDS},
            },
            # Files of every run and snapshot of a project are read.
            "finish-withdrawals": {
                "task": "annotation.finish_withdrawals",
                "schedule": settings.SWEEP_SECONDS,
                "options": {"queue": "cpu", "expires": settings.SWEEP_SECONDS},
            },
            "clean-runs": {
                "task": "runs.clean",
                "schedule": 3600.0,
                "options": {"queue": "cpu", "expires": 3600.0},
            },
            "clean-uploads": {
                "task": "annotation.clean_uploads",
                "schedule": 3600.0,
                "options": {"queue": "cpu", "expires": 3600.0},
            },
        },
    )


def disconnect() -> None:
    """Close what this process has opened to send messages, with the threads that look after it; sending opens it anew.

    Forks may follow: one that had a connection of its parent's would close another file that has its number by then.
    """
    pools.reset()
    app._after_fork()  # forgets the pools that are closed now, which Celery itself does in its forks alone


configure()
app.autodiscover_tasks()
