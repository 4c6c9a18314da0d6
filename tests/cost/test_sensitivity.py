"""What moves the answer, and how far each assumption may go before it is another's."""

from __future__ import annotations

from test_comparison import D, compared

from unmoor.cost.sensitivity import Sensitivity, break_points, impacts, range_text, sensitivity, swing_lines
from unmoor.pricing.usage import Usage


def test_only_what_moves_the_cheapest_is_told_with_half_and_with_twice_of_it() -> None:
    [swing] = impacts(compared("flat", "metered"))
    assert (swing.name, swing.half, swing.double, swing.size) == ("runs", D("12.50"), D(50), D("37.50"))


def test_a_range_ends_where_another_is_the_cheapest() -> None:
    [found] = break_points(compared("flat", "metered"))
    assert found.low is None
    assert found.high is not None
    assert 400 <= found.high <= 404
    assert (found.name, found.above) == ("runs", "flat")
    assert range_text(found) == f"below {found.high:.0f} runs a month (from there on flat)"


def test_from_the_other_side_it_ends_below() -> None:
    [found] = break_points(compared("flat", "metered", usage=Usage(runs=D(1000))))
    assert found.low is not None
    assert 396 <= found.low <= 400
    assert (found.high, found.below) == (None, "metered")


def test_what_is_not_known_in_full_is_the_cheapest_nowhere() -> None:
    assert impacts(compared("lacks")) == ()
    assert break_points(compared("flat", "lacks")) == ()


def test_it_is_said_in_words() -> None:
    assert swing_lines(compared("flat", "metered"))[0] == (
        "the assumption with the largest effect on metered, the cheapest with all prices: 100 runs a month; "
        "with half of it $12.50 a month, with twice $50.00"
    )
    assert swing_lines(compared()) == []


def test_what_moves_all_alike_has_no_range_and_all_of_it_is_of_the_cheapest() -> None:
    found = sensitivity(compared("flat", "metered"))
    assert (found.of, [s.name for s in found.swings], [r.name for r in found.ranges]) == ("metered", ["runs"], ["runs"])
    assert sensitivity(compared("lacks")) == Sensitivity()
