"""The path of a press stays short, so that it can be followed in the code."""

import pytest

from tests import trace


@pytest.mark.parametrize("platform", trace.PLATFORMS)
async def test_a_press_stays_within_the_limits(platform: str) -> None:
    press = await trace.record(platform)
    assert len(press.calls) > 50, "the press was recorded"
    assert press.within_limits, f"{press.summary()}; limits: {trace.MAX_FILES} and {trace.MAX_CHANGES}\n{press}"
