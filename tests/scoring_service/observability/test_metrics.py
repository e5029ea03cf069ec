"""What Prometheus reads is what happened, and nothing that did not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from claimvet.scoring_service.observability.metrics import PARTS, Metrics
from tests.examples import examples


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Every figure by its name and the values of its labels, as another program reads them."""
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


@settings(max_examples=examples(30))
@given(st.lists(st.tuples(st.sampled_from(PARTS), st.floats(0, 20)), max_size=30))
def test_the_times_of_a_part_add_up_and_each_is_counted_where_it_falls(times: list[tuple[str, float]]) -> None:
    metrics = Metrics()
    for part, seconds in times:
        metrics.observe(part, seconds)
    found = samples(metrics)
    for part in {part for part, _ in times}:
        mine = [seconds for name, seconds in times if name == part]
        assert found["claimvet_part_seconds_sum", part] == pytest.approx(sum(mine))
        assert found["claimvet_part_seconds_count", part] == len(mine)
        assert found["claimvet_part_seconds_bucket", "0.01", part] == sum(seconds <= 0.01 for seconds in mine)


def test_a_part_that_several_go_through_together_is_timed_once_for_each() -> None:
    metrics = Metrics()
    with metrics.part("predict", 4):
        pass
    with metrics.part("write", 0):
        pass
    found = samples(metrics)
    assert found["claimvet_part_seconds_count", "predict"] == 4
    assert found.get(("claimvet_part_seconds_count", "write"), 0) == 0


def test_a_role_has_one_model_and_its_changes_are_counted() -> None:
    metrics = Metrics()
    for role, version in (("champion", "a"), ("shadow", "s"), ("champion", "b")):
        metrics.show_model(role, version, f"models:/claimvet/{version}")
    found = samples(metrics)
    models = sorted(key[1:] for key in found if key[0] == "claimvet_model")
    assert models == [("champion", "models:/claimvet/b", "b"), ("shadow", "models:/claimvet/s", "s")]
    assert found["claimvet_model_swaps_total", "champion"] == 2


def test_a_table_without_events_has_no_age_and_an_old_one_its_own() -> None:
    metrics = Metrics()
    metrics.show_staleness({"orders": 5_000_000, "claims": None}, now=7_500_000)
    found = samples(metrics)
    assert found["claimvet_staleness_seconds", "orders"] == 2.5
    assert ("claimvet_staleness_seconds", "claims") not in found


def test_two_services_in_one_process_do_not_count_for_each_other() -> None:
    one, other = Metrics(), Metrics()
    one.events.labels("claims").inc(3)
    assert samples(one)["claimvet_events_total", "claims"] == 3
    assert ("claimvet_events_total", "claims") not in samples(other)
