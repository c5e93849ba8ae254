"""Values of several seeds: differences are of each seed with itself, so what seeds differ by does not hide them."""

import pytest

from weft.benchmarks.learning.spread import Spread


def test_differences_are_seed_by_seed() -> None:
    before, after = Spread([1.0, 2.0, 4.0]), Spread([1.5, 2.5, 4.5])
    assert after.less(before).values == [0.5, 0.5, 0.5]
    assert after.less(before).deviation == 0 and before.deviation > 1


def test_seeds_that_have_no_partner_are_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Spread([1.0, 2.0]).less(Spread([1.0]))


@pytest.mark.parametrize(("least", "kept"), [(0.1, True), (0.5, False)])
def test_a_figure_has_the_mean_its_deviation_and_its_limit(least: float, kept: bool) -> None:
    figure = Spread([0.2, 0.4]).percent("more right by", limit=100 * least, unit="points", at_least=True)
    assert figure.value == pytest.approx(30) and figure.unit == "± 14 points" and figure.kept is kept
