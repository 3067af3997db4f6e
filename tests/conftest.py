"""What every test shares: how hard Hypothesis searches, and that nobody's words are logged."""

import os

from hypothesis import settings

from tests.canaries import no_canary_in_any_log

# The same examples on every run of CI, however slow its machine; fresh ones on a developer's.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

__all__ = ["no_canary_in_any_log"]
