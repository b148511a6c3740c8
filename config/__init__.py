"""The project: settings, URLs, Celery, the embedded Postgres, the supervisor and the admin site."""
