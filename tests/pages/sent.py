"""What a browser sends of a form of a page that nobody touches."""

from html.parser import HTMLParser
from typing import Any


class _Form(HTMLParser):
    """Reads the one form whose address ends in ``action``."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action
        self.inside = False
        self.sent: dict[str, Any] = {}
        self.writing = ""
        self.choosing = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self.inside = (attributes["action"] or "").endswith(f"/{self.action}/")
        if not self.inside:
            return
        name = attributes.get("name") or ""
        if tag == "input" and name and (attributes["type"] != "checkbox" or "checked" in attributes):
            self.sent[name] = attributes.get("value") or ("on" if attributes["type"] == "checkbox" else "")
        elif tag == "textarea":
            self.writing, self.sent[name] = name, ""
        elif tag == "select":
            self.choosing = name
        elif tag == "option" and ("selected" in attributes or self.choosing not in self.sent):
            self.sent[self.choosing] = attributes["value"] or ""

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "form"
        self.writing = "" if tag == "textarea" else self.writing

    def handle_data(self, data: str) -> None:
        if self.writing:
            self.sent[self.writing] = (self.sent[self.writing] + data).lstrip("\n")


def sent_by(page: str, action: str) -> dict[str, Any]:
    """Name to value, but for the token and for buttons."""
    form = _Form(action)
    form.feed(page)
    assert form.sent, f"the page has no form {action}"
    return {name: value for name, value in form.sent.items() if name != "csrfmiddlewaretoken"}
