"""The benchmark of exports runs, and is strict with both."""

import pytest

from tests.load import export


@pytest.mark.django_db(transaction=True)
def test_the_benchmark_of_exports_counts_and_compares():
    found = export.bench(3, is_embedded=True)
    assert (found["runs"], found["lost"], found["doubled"]) == (3, 0, 0)
    assert found["exact"] + found["conflicts"] == sum(found["baseline"].values()) == 3
    assert found["calls"]["quiet"] == found["calls"]["least"]
    assert "3 runs" in export.show(found)


def test_what_is_missing_is_lost_and_what_is_there_twice_is_doubled():
    assert export._verdict([["a", "b"]], ["a", "b"]) == "exact"
    assert export._verdict([["a"]], ["a", "b"]) == export._verdict([], ["a"]) == "lost"
    assert export._verdict([["a", "b", "b"]], ["a", "b"]) == export._verdict([["a"], ["a"]], ["a"]) == "doubled"
