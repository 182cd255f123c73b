"""The benchmark of web push runs and says what was agreed."""

import pytest

from tests.load import push


@pytest.mark.parametrize("phones", [60])
def test_the_bench_serves_everybody_once_and_says_what_it_cost(phones):
    found = push.bench(phones, is_embedded=True)
    assert found.keys() >= {"cpu_us", "per_second", "served", "twice", "ratio"}
    assert (found["served"], found["twice"], found["ratio"].keys()) == (phones, 0, {"helper"})
    assert found["ratio"]["helper"] > 1
    assert "ratio to helper" in push.show(found)
