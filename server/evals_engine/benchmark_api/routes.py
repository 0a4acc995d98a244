"""The routes of /api/v3."""

from starlette.routing import Route

from evals_engine.benchmark_api import benchmarks, evaluations, models

BENCHMARK_ROUTES: list[Route] = [*models.routes, *evaluations.routes, *benchmarks.routes]
