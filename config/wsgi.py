"""The web server's entry point."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.paths import under

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# The statements that a judgement waits for (annotation.rows) are planned once a connection, for whatever values: else
# Postgres plans them anew for somebody with a long history, which takes longer than carrying them out. Only here: an
# import's tables grow under it, and a plan for empty ones would walk through them again and again.
_options = settings.DATABASES["default"]["OPTIONS"]
_options["prepare_threshold"] = 3
_options["options"] = (
    f"{_options.get('options', '')} -c plan_cache_mode=force_generic_plan -c jit=off".strip()
)

application = under(settings.PATH, get_wsgi_application())
