"""Base classes for the provider of one service."""

from __future__ import annotations

from collections.abc import Sequence

from evals_mcp.errors import AmbiguousCreateError, UnavailableError, UnsupportedError
from evals_mcp.providers.protocol import AnyRequest, ListFailure, Provider
from evals_mcp.providers.rest.client import LostAnswerError, RestClient
from evals_mcp.providers.rest.ids import IdKind
from evals_mcp.service_spec import Capabilities
from evals_schemas.contract import Operation
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.evaluation_api.files import File

_NO_DELETE = (
    "its API has no such operation. Nothing was deleted: ask the operator of the service to delete "
    "it."
)


class SingleService:
    """What a provider of one service answers about the services behind it."""

    @property
    def services(self: Provider) -> Sequence[Provider]:
        """This service."""
        return [self]

    def route(self: Provider, request: AnyRequest) -> tuple[Provider, AnyRequest]:
        """Return this service and the request, whose ids are the service's own."""
        return self, request

    def service_of(self: Provider, item_id: str) -> Provider:  # noqa: ARG002 - all ids are its own
        """Return this service."""
        return self

    def advice_for_type(self, kind: str) -> str:  # noqa: ARG002 - knows no other service
        """Return no advice: another service is not known here."""
        return ""

    async def complete_id(self, item_id: str, kind: IdKind) -> str:  # noqa: ARG002 - of all kinds
        """Return the id: callers see the ids of this service unchanged."""
        return item_id

    async def with_public_ids(self, request: AnyRequest) -> AnyRequest:
        """Return the request: callers see the ids of this service unchanged."""
        return request

    async def evaluations_with_failures(
        self: Provider, status: str | None = None, limit: int | None = None
    ) -> tuple[list[EvaluationJob], list[ListFailure]]:
        """Return `list_evaluations`; a failure of the service is raised."""
        return await self.list_evaluations(status, limit), []

    async def datasets_with_failures(self: Provider) -> tuple[list[File], list[ListFailure]]:
        """Return `list_datasets`; a failure of the service is raised."""
        return await self.list_datasets(), []

    async def delete_evaluation(self: Provider, evaluation_id: str) -> None:  # noqa: ARG002 - refused
        """Raise UnsupportedError: the service cannot delete evaluations."""
        raise UnsupportedError(f"{self.name} cannot delete this evaluation: {_NO_DELETE}")

    async def delete_dataset(self: Provider, file_id: str) -> None:  # noqa: ARG002 - refused
        """Raise UnsupportedError: the service cannot delete data sets."""
        raise UnsupportedError(f"{self.name} cannot delete this data: {_NO_DELETE}")


class RestService(SingleService):
    """What providers of one REST service have in common, whatever its contract."""

    def __init__(self, name: str, rest: RestClient, capabilities: Capabilities) -> None:
        """Prepare the provider; nothing is sent before the first call.

        Args:
            name: the service's name in the configuration and in answers.
            rest: client of the service.
            capabilities: what the service can do.
        """
        self._name = name
        self._rest = rest
        self._capabilities = capabilities

    @property
    def name(self) -> str:
        """The service's name in the configuration and in answers."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What the service can do."""
        return self._capabilities

    @property
    def account(self) -> str:
        """Hash of the service and the data's owner."""
        return self._rest.service.account

    async def _delete(self, operation: Operation, item_id: str) -> None:
        """Delete an item.

        Raises:
            UnavailableError: the answer was lost.
            EvalsMCPError: any other failure; nothing was deleted.
        """
        try:
            await self._rest.call(operation, item_id=item_id)
        except LostAnswerError as error:
            lost = str(error)
        else:
            return
        raise UnavailableError(f"{lost} List the data to see whether it still exists.")

    def _refuse_cancel(self) -> None:
        """Raise UnsupportedError if the service cannot cancel."""
        if not self._capabilities.can_cancel:
            raise UnsupportedError(
                f"{self._rest.service} cannot cancel: its API has no such operation. The "
                "evaluation goes on, and costs, until it ends. Call get_status to follow it."
            )


def cancel_unknown(lost: str) -> UnavailableError:
    """Return the error for a cancel whose answer was lost, for the reason given."""
    return UnavailableError(f"{lost} Call get_status to see whether it was cancelled.")


def create_unknown(lost: str, unreadable: str) -> AmbiguousCreateError:
    """Return the error for a create whose answer was lost while the list cannot be read either."""
    return AmbiguousCreateError(
        f"{lost} Whether the evaluation was started is unknown, because the list cannot be "
        f"read either: {unreadable} Do not create it again before list_evaluations shows that it "
        "is not there."
    )
