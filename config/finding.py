"""Which static files there are."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import FileSystemFinder
from django.core.files.storage import Storage


class Finder(FileSystemFinder):
    """Django's, without the modules that are in a bundle: the web server does not serve them, nor does the worker of a
    task's page keep them."""

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, Storage]]:
        """Each file by its name in its folder."""
        for name, storage in super().list(ignore_patterns):
            prefix = getattr(storage, "prefix", "")
            if (f"{prefix}/{name}" if prefix else name) not in settings.INLINED_SCRIPTS:
                yield name, storage
