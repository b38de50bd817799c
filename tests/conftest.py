"""Settings of all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Times of single examples say nothing on a busy machine, and the first text that hypothesis
# draws waits for its table of all characters.
settings.register_profile("saysel", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("saysel")
