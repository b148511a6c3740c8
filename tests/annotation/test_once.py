"""What templates render once and show many times."""

from collections.abc import Callable
from typing import Any

import pytest
from django.template import Context, Template, TemplateSyntaxError

from annotation.views import once


class Counted:
    """A value that counts how often it is written down."""

    def __init__(self) -> None:
        self.written = 0

    def __str__(self) -> str:
        self.written += 1
        return "value"


@pytest.fixture
def show() -> Callable[..., str]:
    template = Template(
        "{% load once %}{{ mine }}{% once name=value %}<{{ name }}{{ mine }}{{ value }}>{% endonce %}"
    )

    def shown(**values: Any) -> str:
        return template.render(Context(values))

    return shown


def test_it_is_rendered_once_for_each_value(show: Callable[..., str]) -> None:
    value = Counted()
    assert [show(value=value) for _ in range(3)] == ["<value>"] * 3
    assert value.written == 1
    assert show(value="other") == "<other>"


def test_nothing_but_the_values_is_seen_within(show: Callable[..., str]) -> None:
    """Whoever came first would show theirs to all."""
    assert show(value=1, mine="alice ") == "alice <1>"


def test_what_somebody_sent_is_shown_and_not_kept(
    show: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "x" * (once.LONGEST + 1)
    kept: list[Any] = []
    monkeypatch.setattr(once.OnceNode, "_keep", lambda node, values, rendered: kept.append(values))
    assert (show(value=long), show(value="&")) == (f"<{long}>", "<&amp;>")
    assert kept == [("&",)]


def test_no_more_is_kept_than_that(show: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "MOST", 3)
    values = [Counted() for _ in range(4)]
    for value in [*values, values[-1]]:
        show(value=value)
    assert [value.written for value in values] == [1, 1, 1, 1]
    show(value=values[0])
    assert values[0].written == 2


def test_what_has_no_name_is_refused() -> None:
    with pytest.raises(TemplateSyntaxError, match="takes name=value and no 'value'"):
        Template("{% load once %}{% once value %}{% endonce %}")
