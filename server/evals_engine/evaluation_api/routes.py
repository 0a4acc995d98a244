"""The routes of /v1."""

from starlette.routing import Route

from evals_engine.evaluation_api import evaluations, files, identity, models

EVALUATION_ROUTES: list[Route] = [
    *models.routes,
    *evaluations.routes,
    *files.routes,
    *identity.below_v1,
]
