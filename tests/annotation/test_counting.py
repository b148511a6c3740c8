"""Counts are exact where there are few; where there are many, a page says at least how many, and counts no further."""

from typing import Any

import pytest

from annotation import counting
from annotation.models import Prompt, Ranking
from tests.annotation.factories import make_project, put, ranking

pytestmark = pytest.mark.django_db


def prompts(count: int) -> Any:
    project = make_project()
    put(project, "prompts", *({"prompt": f"Question {number}"} for number in range(count)))
    return Prompt.objects.filter(project=project)


@pytest.mark.parametrize(
    ("count", "most", "shown"), [(0, 3, "0"), (3, 3, "3"), (4, 3, "3+"), (9, 3, "3+"), (1, 3, "1")]
)
def test_a_count_goes_as_far_as_it_is_asked_to(count: int, most: int, shown: str) -> None:
    counted = counting.bounded(prompts(count), most)
    assert (str(counted), bool(counted)) == (shown, count > 0)


def test_thousands_are_parted() -> None:
    assert [str(counting.of(number)) for number in (1234, 10_000, 10_001)] == ["1,234", "10,000", "10,000+"]


def test_the_database_reads_no_further_than_the_bound(django_assert_num_queries: Any) -> None:
    rows = prompts(30)
    with django_assert_num_queries(1) as captured:
        counting.bounded(rows, 5)
    assert "LIMIT 6" in captured[0]["sql"]


def test_simulated_rankings_are_counted_among_the_same() -> None:
    project = make_project()
    put(project, "rankings", *(ranking(f"Question {number}", 1, 2, annotator="ada") for number in range(5)))
    put(project, "rankings", *(ranking(f"Question {number}", 1, 2, annotator="bob") for number in range(2)))
    project.annotators.filter(pseudonym="ada").update(simulated=True)
    assert Ranking.objects.counted() == (7, 5)
    assert Ranking.objects.filter(annotator__pseudonym="ada").counted(3) == (3, 3)
    assert Ranking.objects.filter(annotator__pseudonym="bob").counted(3) == (2, 0)
