"""Errors of policies.

PolicyError
├── BadConfig         a field of a config is unknown or has a wrong value
├── NoPolicy          the project has no such policy version, or none is current
├── NoDemonstrations  SFT has nothing to learn from
└── NoPrompts         there is nothing to ask the policy
"""


class PolicyError(Exception):
    """A request about policies that cannot be met."""


class BadConfig(PolicyError):
    """A field of a config is unknown or has a wrong value."""


class NoPolicy(PolicyError):
    """The project has no such policy version, or none is current: train one by SFT or register a base."""


class NoDemonstrations(PolicyError):
    """The project has no demonstrations: import some (import_jsonl --kind demonstrations)."""


class NoPrompts(PolicyError):
    """The project has no prompts to sample: import some (import_jsonl --kind prompts)."""
