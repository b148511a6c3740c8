"""The Python client of Concord's API (docs/api.md of Concord), in two flavours that say the same.

    from concord_client import Client

    with Client("https://concord.example.org", "concord_...") as concord:
        helpful = concord.project("helpful")
        helpful.runs.wait(helpful.imports.file("rankings.jsonl.gz", kind="rankings"))
        run = helpful.runs.wait(helpful.reward_models.fit())
        print(concord.score(project="helpful", items=[{"prompt": "Why?", "completion": "Because."}]))

``AsyncClient`` awaits where ``Client`` blocks. It is the one that is written by hand; ``Client`` and the shapes of
``concord_client.types`` are made, and Concord's tests hold them against it and the server's schema: so what a type
checker says of a call is what the server says of it.
"""

from concord_client.asynchronous import AsyncClient, AsyncProjectClient
from concord_client.errors import ConcordError, Conflict, NotFound, RunFailed, Unreachable
from concord_client.synchronous import Client, ProjectClient

__all__ = [
    "AsyncClient",
    "AsyncProjectClient",
    "Client",
    "ConcordError",
    "Conflict",
    "NotFound",
    "ProjectClient",
    "RunFailed",
    "Unreachable",
]
