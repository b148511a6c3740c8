"""The web server's entry point."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.paths import under

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# A judgement makes two dozen small statements; Postgres plans each once a connection, which lives for a minute. Only
# here: an import's tables grow under it, and a plan for empty ones would walk through them again and again.
settings.DATABASES["default"]["OPTIONS"] |= {"server_side_binding": True, "prepare_threshold": 3}

application = under(settings.PATH, get_wsgi_application())
