"""An annotator's front end of one's own, in a terminal: what the ranking page does, through the API alone.

    CONCORD_URL=https://concord.example.org CONCORD_TOKEN=concord_... python -m tests.client.front_end helpful

The best comes first, and what is equally good is joined: ``B A=C``. A word before the letters says what else to do:
``draft B`` keeps what is there so far, ``skip too hard`` passes the task on, ``later`` gives it back and stops.
"""

import argparse
import sys
import time
from collections.abc import Callable

from concord_client import Client, ConcordError, Conflict
from concord_client.types import AssignmentDetail

Read = Callable[[AssignmentDetail], str]
Say = Callable[[str], object]


class FrontEnd:
    """One annotator at work; ``read`` gives what they type when they see a task, ``say`` shows them a text."""

    def __init__(self, client: Client, project: str, read: Read, say: Say) -> None:
        self._judging = client.project(project).judging
        self._read, self._say = read, say
        self.submitted: list[str] = []

    def work(self) -> None:
        """Until nothing is left, or they stop."""
        while (task := self._judging.next()) is not None:
            self._say(shown(task))
            began = time.monotonic()
            word, _, rest = (line := self._read(task)).partition(" ")
            try:
                match word:
                    case "draft":
                        self._judging.draft(task["id"], ranks=ranks(rest))
                    case "skip":
                        self._judging.skip(task["id"], reason=rest)
                    case "later":
                        self._judging.release(task["id"])
                        return
                    case _:
                        seconds = time.monotonic() - began
                        self._judging.submit(task["id"], ranks=ranks(line), active_seconds=seconds)
                        self.submitted.append(task["id"])
            except Conflict as over:
                self._say(f"Too late: {over.detail}")
            except ConcordError as refused:
                if refused.status != 400:
                    raise
                self._say("\n".join(["Not so:", *(one["detail"] for one in refused.errors)]))
        self._say("Nothing is left for you.")


def shown(task: AssignmentDetail) -> str:
    """The prompt, the completions in this annotator's order, and what was kept of them."""
    prompt = [f"{one['role']}: {one['content']}" for one in task["prompt"]]
    completions = [f"[{one['letter']}] {one['text']}" for one in task["completions"]]
    places: dict[int, list[str]] = {}
    for letter, place in task["judgement"].get("ranks", {}).items():
        places.setdefault(place, []).append(letter)
    kept = " ".join("=".join(sorted(places[place])) for place in sorted(places))
    return "\n".join([*prompt, *completions, *([f"So far: {kept}"] if kept else [])])


def ranks(line: str) -> dict[str, int]:
    """Places by letter: ``B A=C`` is B first, and A and C second."""
    tiers = enumerate(line.upper().split(), start=1)
    return {letter: place for place, tier in tiers for letter in tier.split("=")}


def main() -> None:
    """Read from the terminal."""
    parser = argparse.ArgumentParser(prog="python -m tests.client.front_end")
    parser.add_argument("project")
    project = parser.parse_args().project

    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")

    try:
        with Client() as client:
            FrontEnd(client, project, read=lambda task: input("> "), say=say).work()
    except EOFError:
        say("The task in hand is still there when you come back.")
    except ConcordError as refused:
        sys.exit(str(refused))


if __name__ == "__main__":
    main()
