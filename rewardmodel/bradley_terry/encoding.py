"""A prompt and its completions as token ids, and the rows they are laid out in.

K-wise (InstructGPT 2203.02155, section 3.5): a ranking of K completions is K encodings, not K(K-1), and its
prompt is encoded **once a row**, which its completions share:

    tokens     p p p p a a a b b        positions  0 1 2 3 4 5 6 4 5
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lm.encoding import encode_completion, encode_prompt_within


class Limits(NamedTuple):
    """The most tokens that a prompt and a completion (EOS included) keep, and that a shared row may have."""

    prompt: int
    completion: int
    row: int

    @classmethod
    def within(cls, context: int, *, max_prompt: int, max_completion: int, row: int) -> "Limits":
        """Completions may fill half of the trunk's ``context``, prompts what is left."""
        completion = min(max_completion, context // 2)
        return cls(min(max_prompt, context - completion), completion, row)


class Encoded(NamedTuple):
    """Token ids of one prompt and of K completions, each with its EOS; and which of them were cut."""

    prompt: list[int]
    completions: list[list[int]]
    prompt_cut: bool
    completions_cut: tuple[bool, ...]


class Row(NamedTuple):
    """One row of a batch: a prompt and those of its ranking's completions that share it."""

    prompt: list[int]
    completions: list[list[int]]

    @property
    def length(self) -> int:
        return len(self.prompt) + sum(map(len, self.completions))


def encode(
    tokenizer: Any, limits: Limits, form: str, messages: Sequence[Mapping[str, str]], texts: Sequence[str]
) -> Encoded:
    """Token ids of ``texts`` after one prompt. A limit depends on no other text, so a score does not either.

    A prompt loses its oldest words, a completion its end; EOS is then put back (R2: exactly once, always).
    """
    prompt = encode_prompt_within(tokenizer, form, messages, limits.prompt)
    completions = [encode_completion(tokenizer, text) for text in texts]
    return Encoded(
        prompt=prompt.ids,
        completions=[_cut(ids, limits.completion) for ids in completions],
        prompt_cut=prompt.cut,
        completions_cut=tuple(len(ids) > limits.completion for ids in completions),
    )


def rows_of(encoded: Encoded, *, share: bool, limit: int) -> list[Row]:
    """The rows of a ranking, its completions in their order.

    With ``share`` a row takes completions until ``limit`` tokens: attention grows with the square of a row.
    Without, each completion has a row of its own: for trunks that cannot take a block mask.
    """
    rows: list[Row] = []
    for ids in encoded.completions:
        if share and rows and rows[-1].length + len(ids) <= limit:
            rows[-1].completions.append(ids)
        else:
            rows.append(Row(encoded.prompt, [ids]))
    return rows


def _cut(ids: list[int], limit: int) -> list[int]:
    return ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]
