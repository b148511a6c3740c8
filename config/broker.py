"""Kombu's pgmq transport, with queues declared once.

The transport's own declaration drops and creates each queue's trigger again, whenever any process
sends or starts: under an exclusive lock, and with an error where two do it at the same moment. The
queues are made by a migration (runs/0002), so here a queue that exists is only listened to.
"""

from typing import Any

from kombu.transport import pgmq


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
