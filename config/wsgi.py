"""The web server's entry point."""

import gc
import os
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver

from annotation.files.collector import RARELY
from config.paths import under
from runs.folder.loading import loading

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# The statements that a judgement waits for (annotation.rows) are planned once a connection, for whatever values: else
# Postgres plans them anew for somebody with a long history, which takes longer than carrying them out. Only here: an
# import's tables grow under it, and a plan for empty ones would walk through them again and again.
settings.DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 1


@receiver(connection_created, dispatch_uid="config.wsgi.plan_once")
def plan_once(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """What is prepared keeps its plan; and no plan is compiled, which a guess of many rows would bring about.

    Set here, because poolers refuse what a connection asks for as it opens.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan; SET jit = off")


# To look for cycles in what is loaded took 45 ms of somebody's request each time.
with loading():
    application = under(settings.PATH, get_wsgi_application())
    import_module(settings.ROOT_URLCONF)  # every view
    gc.collect()
# The few cycles of a request can wait: collected every 700 objects, one request in fifteen waited for it some ms.
gc.set_threshold(*RARELY)
