"""The processes of one training, and what they do together.

Each holds all weights and learns from its share of a step: gradients and figures are summed over all of them, so the
number of processes changes no result beyond rounding. The *main* one alone writes the run's folder and decides when to
leave; the others follow it, or end when it is gone. They find each other by the variables that runs.folder.processes
sets on one machine, and ``accelerate launch`` or torch's own launcher on several.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from runs.folder.errors import RankLost
from runs.folder.processes import RENDEZVOUS_VARIABLE

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """This process is ``number``, from 0, of ``count``. One alone sums with nobody: nothing is sent."""

    number: int = 0
    count: int = 1

    @property
    def main(self) -> bool:
        """Whether this process writes the folder."""
        return self.number == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """What of ``items`` this process works on; every process must name the same ones. May be empty."""
        return items[self.number :: self.count]

    def total(self, *numbers: float) -> list[float]:
        """The sums of ``numbers`` over all processes, in float64."""
        if self.count == 1:
            return list(numbers)
        sums = torch.tensor(numbers, dtype=torch.float64)
        _together(lambda: torch.distributed.all_reduce(sums, group=_on_cpu()))
        return cast(list[float], sums.tolist())

    def largest(self, number: float) -> float:
        """The largest ``number`` of all processes."""
        return max(self.gather(number)) if self.count > 1 else number

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace each gradient by its sum over all processes; who had nothing to learn from adds zeros."""
        if self.count == 1:
            return
        gradients = []
        for value in parameters:
            if value.grad is None:
                value.grad = torch.zeros_like(value)
            gradients.append(value.grad)

        def send() -> None:
            handles = [torch.distributed.all_reduce(gradient, async_op=True) for gradient in gradients]
            for handle in handles:
                handle.wait()

        _together(send)

    def gather(self, value: T) -> list[T]:
        """The ``value`` of each process, in their order; tensors must lie on the CPU."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        _together(lambda: torch.distributed.all_gather_object(values, value, group=_on_cpu()))
        return values

    def wait(self) -> None:
        """Until every process is here: what main has written before, all can read after."""
        self.gather(None)


ALONE = Ranks()


def join_ranks() -> Ranks:
    """The processes that the launcher started; this one alone where there was none."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return ALONE
    number = int(os.environ["RANK"])
    if not torch.distributed.is_initialized():
        store = os.environ.get(RENDEZVOUS_VARIABLE)
        # Gradients by NCCL where each process has a GPU, numbers and texts by gloo
        torch.distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
            init_method=f"file://{store}" if store else "env://",
            rank=number,
            world_size=count,
        )
    return Ranks(number, count)


_cpu_group: list[Any] = []


def _on_cpu() -> Any:
    """The group whose messages are tensors of the CPU; all processes make it at their first message."""
    if not _cpu_group:
        _cpu_group.append(torch.distributed.new_group(backend="gloo"))
    return _cpu_group[0]


def _together(send: Callable[[], object]) -> None:
    """Raises RankLost where another process is gone."""
    try:
        send()
    except RuntimeError as error:
        raise RankLost(f"another process of this training is gone: {error}") from error
