"""The evaluation services that a configuration can name. A new service is its folder and a line."""

from __future__ import annotations

from evals_mcp.local_engine.service import LOCAL
from evals_mcp.providers.nugen.service import NUGEN
from evals_mcp.providers.together.service import TOGETHER

SERVICES = (TOGETHER, NUGEN, LOCAL)
"""All services, in the order in which those with a token are used."""
