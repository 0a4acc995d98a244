"""Settings of hypothesis for the whole suite."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A busy machine may need any time for an example: no test fails because one took long.
settings.register_profile("gate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gate")
