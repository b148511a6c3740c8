"""What every base is tried for as it is loaded, whatever it is to become."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch.nn import Parameter

from lm.adapter import check_mergeable
from runs.folder.errors import BadInput


@contextmanager
def in_words(what: str) -> Iterator[None]:
    """Whatever goes wrong within it is the base's, which was never made for this. Raises BadInput."""
    try:
        yield
    except BadInput as refused:
        raise BadInput(f"{what}: {refused}") from refused
    except Exception as error:
        raise BadInput(f"{what}: {type(error).__name__}: {error}. Use another base") from error


def check_reached(parameters: Iterable[Parameter]) -> None:
    """Whether a loss reaches ``parameters``, whose gradients are cleared. Raises BadInput."""
    norms = []
    for value in parameters:
        if value.grad is not None:
            norms.append(float(value.grad.norm()))
        value.grad = None
    if not norms or not 0 < max(norms) < float("inf"):
        raise BadInput("its loss reaches none of its weights, or breaks them. Use another base")


def try_saving(model: Any, tokenizer: Any, *, lora: bool) -> None:
    """Everything but the weights; of these only whether an adapter fits into them. Raises BadInput."""
    if lora:
        check_mergeable(model)
    with tempfile.TemporaryDirectory() as folder:
        model.config.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        if getattr(model, "generation_config", None) is not None:
            model.generation_config.save_pretrained(folder)
