"""The project: settings and their readers, addresses, Celery, and how all of it is run."""
