"""What the log leaves out."""

import logging


class WithoutTraceback(logging.Filter):
    """Warnings of requests (403, 404, 405) in one line: Django adds the traceback of the exception that refused."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record pass; takes the traceback from a refusal."""
        if record.name == "django.request" and record.levelno < logging.ERROR:
            record.exc_info = record.exc_text = None
        return True
