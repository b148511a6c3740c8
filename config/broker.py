"""Kombu's pgmq transport, with queues declared once, and workers that hear at once that they shall leave.

The transport's own declaration drops and creates each queue's trigger again, whenever any process
sends or starts: under an exclusive lock, and with an error where two do it at the same moment. The
queues are made by a migration (runs/0002), so here a queue that exists is only listened to.
"""

from typing import Any

from kombu.transport import pgmq

MOMENT_SECONDS = 0.5


class Channel(pgmq.Channel):  # type: ignore[misc]  # kombu carries no types
    """A channel that leaves queues alone that exist."""

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        if self._has_queue(queue):
            if self.use_notify:
                self.connection._register_notify_queue(self._queue_name(queue))
            return
        super()._new_queue(queue, **kwargs)


class Transport(pgmq.Transport):  # type: ignore[misc]  # as above
    """Named by its path in Celery's broker address."""

    Channel = Channel

    def drain_events(self, connection: Any, timeout: float | None = None) -> Any:
        """Wait for a message, for a moment alone: a worker that is told to leave looks in between."""
        if timeout is not None:
            timeout = min(timeout, MOMENT_SECONDS)
        return super().drain_events(connection, timeout=timeout)
