"""A time reads alike on every page: how long ago, and the exact one on hover."""

import re

import pytest
from django.test import Client

from annotation import members, people, tokens
from annotation.checking import standing
from tests.pages.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
EXACT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")


@pytest.fixture
def cast() -> Cast:
    """Alice is paused, Bob invited, and Olivia has a token."""
    cast = make_cast()
    alice = people.annotator_for(project=cast.project, user=cast.alice)
    standing.pause(annotator=alice, why="Too quick.", by=cast.carol)
    members.invite(project=cast.project, email="bob@example.org", role="annotator")
    tokens.create_token(user=cast.olivia, name="a notebook", scopes=["read"], days=30)
    return cast


@pytest.mark.parametrize(
    ("path", "ago"),
    [
        ("/admin/projects/helpful/people/", "1 week, 6 days from now"),
        ("/admin/projects/helpful/annotators/", None),
        ("/account/tokens/", "4 weeks, 1 day from now"),
    ],
)
def test_a_time_is_relative_and_the_exact_one_is_its_title(cast: Cast, path: str, ago: str | None) -> None:
    client = Client()
    client.force_login(cast.olivia)
    page = client.get(path).content.decode()
    times = re.findall(r'<time class="nowrap" datetime="[^"]+" title="([^"]+)">([^<]+)</time>', page)
    assert times
    assert page.count("<time") == len(times)
    assert all(EXACT.fullmatch(title) for title, _ in times)
    assert ago is None or ago in {words.replace("\xa0", " ") for _, words in times}
