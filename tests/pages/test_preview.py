"""The preview of guidelines: what annotators will read, of a text that nobody keeps."""

from html.parser import HTMLParser

import pytest
from django.test import Client

from console.pages.preview import MOST_CHARACTERS
from tests.hostile import MARKDOWN, SCRIPTS
from tests.pages.cast import Cast, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def client_of(cast: Cast, name: str, **options: bool) -> Client:
    client = Client(**options)  # type: ignore[arg-type]
    client.force_login(getattr(cast, name))
    return client


def test_it_is_what_the_guidelines_page_will_show(cast: Cast) -> None:
    text = "Prefer **true** answers.\n\n1. Nothing wrong\n2. Nothing missing"
    answer = client_of(cast, "carol").post("/admin/preview/", {"text": text})
    assert answer.status_code == 200
    cast.project.guidelines = text
    cast.project.save(update_fields=["guidelines"])
    shown = client_of(cast, "carol").get("/projects/helpful/guidelines/").content.decode()
    assert "<strong>true</strong>" in answer.content.decode()
    assert answer.content.decode().strip() in shown


@pytest.mark.long
@pytest.mark.parametrize("name", sorted({**SCRIPTS, **MARKDOWN}))
def test_nothing_hostile_comes_back_alive(cast: Cast, name: str) -> None:
    answer = client_of(cast, "carol").post("/admin/preview/", {"text": {**SCRIPTS, **MARKDOWN}[name]})
    assert answer.status_code == 200
    tags = Tags()
    tags.feed(answer.content.decode())
    assert not tags.names & {
        "script",
        "img",
        "svg",
        "iframe",
        "style",
        "object",
        "embed",
        "form",
        "input",
        "math",
    }
    assert not [
        one for one, _ in tags.attributes if one.startswith("on") or one in {"style", "src", "srcdoc"}
    ]
    addresses = [value or "" for one, value in tags.attributes if one == "href"]
    assert not [one for one in addresses if not one.startswith(("http://", "https://", "mailto:"))]


class Tags(HTMLParser):
    """What a browser would make of a fragment: the names of its elements, and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += attrs


def test_too_long_a_text_is_told(cast: Cast) -> None:
    answer = client_of(cast, "carol").post("/admin/preview/", {"text": "a" * (MOST_CHARACTERS + 1)})
    assert (answer.status_code, answer["Content-Type"]) == (413, "text/plain")


@pytest.mark.parametrize(
    ("name", "status"), [("carol", 200), ("erin", 200), ("olivia", 200), ("alice", 302), ("dave", 302)]
)
def test_it_is_for_who_writes_guidelines(cast: Cast, name: str, status: int) -> None:
    assert client_of(cast, name).post("/admin/preview/", {"text": "a"}).status_code == status


def test_it_is_asked_for_by_a_form_with_its_token(cast: Cast) -> None:
    assert client_of(cast, "carol").get("/admin/preview/").status_code == 405
    assert (
        client_of(cast, "carol", enforce_csrf_checks=True).post("/admin/preview/", {"text": "a"}).status_code
        == 403
    )
