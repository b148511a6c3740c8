"""Some of many by seed: without replacement, in their order, each as likely as any other."""

from collections import Counter

from lm.subset import drawn


def test_few_are_taken_as_they_are() -> None:
    assert drawn("abc", 3, seed=7) == drawn("abc", 9, seed=0) == ["a", "b", "c"]


def test_many_are_drawn_in_their_order_by_the_seed() -> None:
    subset = drawn(range(1000), 100, seed=3)
    assert subset == sorted(set(subset)) == drawn(range(1000), 100, seed=3) != drawn(range(1000), 100, seed=4)
    # Not the first: of ten tenths each has its share. Three deviations of a hypergeometric count of mean 10 are 8.5.
    tenths = Counter(number // 100 for number in subset)
    assert all(1 < tenths[tenth] < 19 for tenth in range(10))
