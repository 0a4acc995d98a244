"""Asks a candidate for its answer to a row, with the row's pictures if it has any."""

import json
from collections.abc import Mapping
from typing import Any, cast

from evals_engine.compute.pool import OwnerPool
from evals_engine.config import ModelEndpoint
from evals_engine.faults import ModelCallError, RequestError
from evals_engine.models.access import ModelAccess
from evals_engine.models.client import Completion
from evals_engine.models.endpoints import workers_for
from evals_engine.templates.template import Template, open_template
from evals_schemas.datasets.reader import IMAGE_COLUMN
from evals_schemas.evaluation_api.defaults import CANDIDATE_MAX_TOKENS, TEMPERATURE
from evals_schemas.evaluation_api.evaluations import ModelRequest


class Candidate:
    """A model under evaluation. It never has more calls in flight than its workers."""

    def __init__(
        self,
        request: ModelRequest,
        endpoint: ModelEndpoint,
        access: ModelAccess,
        system: Template,
        prompt: Template,
    ) -> None:
        """Take the model's templates; `open_candidate` compiles them.

        Args:
            request: the model and its prompts.
            endpoint: where the model is.
            access: makes the calls, and limits those in flight.
            system: the compiled `system_template`.
            prompt: the compiled `input_template`.
        """
        self._request = request
        self._endpoint = endpoint
        self._client = access.client
        self._system = system
        self._input = prompt
        self._in_flight = access.limit(workers_for(request))
        self._max_tokens = request.max_tokens or CANDIDATE_MAX_TOKENS
        temperature = request.temperature
        self._temperature = TEMPERATURE if temperature is None else temperature
        self.columns = self._system.columns | self._input.columns
        """The columns that the templates read."""

    async def prompt(self, row: Mapping[str, Any]) -> str:
        """Return the rendered `input_template`. Raises RequestError if it fails on the row."""
        return await self._input.render(row)

    async def answer(self, row: Mapping[str, Any], prompt: str) -> Completion:
        """Return the model's answer to a rendered prompt.

        Raises:
            RequestError: a template fails on this row, or a picture is not a `data:` URL.
            ModelCallError: the model gave no answer.
        """
        messages: list[dict[str, Any]] = [
            {"role": "user", "content": _with_images(prompt, row.get(IMAGE_COLUMN))}
        ]
        if system := await self._system.render(row):
            messages.insert(0, {"role": "system", "content": system})
        async with self._in_flight:
            completion = await self._client.chat(
                self._endpoint,
                self._request.model,
                messages,
                max_tokens=self._max_tokens,
                temperature=self._temperature,
            )
        if completion.truncated and not completion.text:
            raise ModelCallError(
                f"the model used up its {self._max_tokens} tokens before it answered; "
                "raise max_tokens",
                200,
                usage=completion.usage,
            )
        return completion


async def open_candidate(
    request: ModelRequest,
    endpoint: ModelEndpoint,
    access: ModelAccess,
    pool: OwnerPool,
    field: str = "model_to_evaluate",
) -> Candidate:
    """Compile the templates of a candidate.

    Args:
        request: the model and its prompts.
        endpoint: where the model is.
        access: makes the calls, and limits those in flight.
        pool: renders the templates for the owner of the evaluation.
        field: the request field that has the model, for the wording of errors.

    Raises:
        RequestError: a template is invalid.
    """
    system = await open_template(request.system_template, f"{field}.system_template", pool)
    prompt = await open_template(request.input_template, f"{field}.input_template", pool)
    return Candidate(request, endpoint, access, system, prompt)


def _with_images(prompt: str, images: object) -> str | list[dict[str, Any]]:
    urls = _image_urls(images)
    if not urls:
        return prompt
    parts: list[dict[str, Any]] = [{"type": "text", "text": prompt}]
    return parts + [{"type": "image_url", "image_url": {"url": url}} for url in urls]


def _image_urls(images: object) -> list[str]:
    """Return the row's pictures from one `data:` URL, a list, or a list as JSON in a CSV cell."""
    if isinstance(images, str) and images.lstrip().startswith("["):
        try:
            images = json.loads(images)
        except (ValueError, RecursionError):
            raise _not_an_image() from None
    if images is None or images == "":
        return []
    listed = cast("list[object]", images) if isinstance(images, list) else [images]
    urls = [url for url in listed if isinstance(url, str) and url.startswith("data:image/")]
    if len(urls) < len(listed):
        raise _not_an_image()
    return urls


def _not_an_image() -> RequestError:
    return RequestError(
        f"{IMAGE_COLUMN}: each picture must be a data:image/…;base64,… URL; others are not fetched",
        IMAGE_COLUMN,
    )
