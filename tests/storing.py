"""Where a test's artifacts lie."""

from pathlib import Path
from typing import Any


def store_artifacts_in(folder: Path, settings: Any) -> None:
    """The artifacts of one test stay in a folder of its own, which goes with it."""
    location = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": folder},
    }
    settings.STORAGES = {**settings.STORAGES, "artifacts": location}
