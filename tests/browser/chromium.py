"""Which Chromium is driven: by the tests, and for the pictures of the documentation."""

import os
import shutil

from playwright.sync_api import Browser, Playwright

# The same engine without windows comes first: it needs a third of the processor's time.
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)


def launch(playwright: Playwright) -> Browser:
    """The system's Chromium, or Playwright's own; its absence is an error, never a skip."""
    executable = next((path for path in map(shutil.which, NAMES) if path), None)
    # What paints is a thread of the browser's process: to send each frame to another costs up to a tenth of all.
    flags = ["--in-process-gpu"]
    if os.geteuid() == 0:  # Chromium's sandbox does not work as root
        flags.append("--no-sandbox")
    return playwright.chromium.launch(executable_path=executable, args=flags)
