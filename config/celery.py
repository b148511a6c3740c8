"""Celery on Postgres through kombu's pgmq transport (DESIGN: Servers).

A message only says "look at run 17"; the truth is the row. So acknowledgement is early, there is no
result backend, and losing a message costs at most one sweep.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("concord")
# The web process sends through this app too: config.apps imports this module when Django is ready.
app.set_default()


def _broker() -> dict[str, object]:
    from django.conf import settings

    from config import env

    url = env.text("CELERY_BROKER_URL")
    if url:
        return {"broker_url": url}
    database = settings.DATABASES["default"]
    names = {"host": "HOST", "port": "PORT", "dbname": "NAME", "user": "USER", "password": "PASSWORD"}
    values = {key: str(database.get(name) or "") for key, name in names.items()}
    # libpq's key=value form: a URL with ?host= is not parsed by the transport.
    quoted = " ".join(f"{key}='{_escape(value)}'" for key, value in values.items() if value)
    return {
        "broker_url": "pgmq://",
        "broker_transport": "config.broker:Transport",
        "broker_transport_options": {
            "conn_string": quoted,
            "init_extension": False,
            "use_notify": True,
            "visibility_timeout": 60,
            # How long a read waits in the server; a worker that is told to leave is held up by it.
            "wait_time_seconds": 1,
        },
    }


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


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
        },
    )


configure()
app.autodiscover_tasks()
