"""A share in words. Pure."""


def points(share: float) -> str:
    """A share in percent, as every page and message rounds it: 0.714 is ``71.4``."""
    return f"{100 * share:.1f}"
