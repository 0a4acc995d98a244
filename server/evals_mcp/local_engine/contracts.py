"""Both REST contracts of an engine as one provider, wherever the engine runs."""

from __future__ import annotations

from collections.abc import Callable

import httpx2

from evals_mcp.local_engine.service import LOCAL
from evals_mcp.providers.nugen.provider import NugenProvider
from evals_mcp.providers.protocol import Provider
from evals_mcp.providers.rest.client import RestClient
from evals_mcp.providers.rest.keyed import now
from evals_mcp.providers.rest.service import Service
from evals_mcp.providers.several.ids import ShapedIds
from evals_mcp.providers.several.provider import SeveralProviders
from evals_mcp.providers.together.provider import TogetherProvider
from evals_mcp.service_spec import Capabilities


def both_services(service_at: Callable[[str], Service], root: str) -> tuple[Service, Service]:
    """Return the services of judged evaluations and of benchmarks below the engine's root URL."""
    return service_at(f"{root}/v1"), service_at(root)


def both_contracts(
    client: httpx2.AsyncClient, services: tuple[Service, Service], capabilities: Capabilities
) -> Provider:
    """Return the provider over both contracts of an engine; see `both_services`."""
    judged, benchmarks = services
    contracts = ShapedIds(
        TogetherProvider(LOCAL.name, RestClient(client, judged), capabilities, clock=now),
        NugenProvider(
            LOCAL.name,
            RestClient(client, benchmarks),
            capabilities,
            generation=1,
            deadline=None,
            clock=now,
        ),
    )
    return SeveralProviders(LOCAL.name, contracts)
