"""Ids, cursors and their services over time: what was given out once leads where it led."""

from __future__ import annotations

from itertools import permutations

import pytest

from evals_mcp.providers.rest.ids import BENCHMARK, DATASET, EVALUATION, IdKind
from evals_mcp.providers.several.ids import ServiceIds
from evals_mcp.providers.several.provider import SeveralProviders
from evals_mcp.services import SERVICES
from evals_mcp.tools.calls.cursors import read_cursor, write_cursor
from evals_schemas.evaluation_api.files import File
from tests.server.fake_provider import FakeProvider, classify_job

NAMES = [spec.name for spec in SERVICES]
CONFIGURATIONS = [names for size in range(1, len(NAMES) + 1) for names in permutations(NAMES, size)]
OWN_IDS = {EVALUATION: "eval-{}-1", DATASET: "file-{}", BENCHMARK: "benchmark-{}"}


def service(name: str) -> FakeProvider:
    """A service whose ids look like those of the others and are its own."""
    number = NAMES.index(name)
    return FakeProvider(
        name=name,
        account=f"account of {name}",
        jobs=[classify_job(OWN_IDS[EVALUATION].format(number))],
        files=[
            File(id=OWN_IDS[DATASET].format(number)),
            File(id=OWN_IDS[BENCHMARK].format(number), purpose="benchmark"),
        ],
    )


def provider(names: tuple[str, ...]) -> SeveralProviders:
    members = [service(name) for name in names]
    return SeveralProviders(" and ".join(names), ServiceIds(members, frozenset(NAMES)))


def forms_given_out(name: str, own_id: str) -> set[str]:
    """Every form that a service's id has had, in all configurations and versions."""
    forms = {f"{name}:{own_id}"}  # with several services, each id had its service's name once
    for names in CONFIGURATIONS:
        if name in names:
            default = names[0] == name
            forms.add(own_id if default else f"{name}:{own_id}")
    return forms


@pytest.mark.parametrize("kind", OWN_IDS, ids=lambda kind: kind.noun)
@pytest.mark.parametrize("names", CONFIGURATIONS, ids="-".join)
async def test_every_form_of_an_id_leads_to_its_service(
    names: tuple[str, ...], kind: IdKind
) -> None:
    for name in names:
        own_id = OWN_IDS[kind].format(NAMES.index(name))
        for form in sorted(forms_given_out(name, own_id)):
            several = provider(names)
            complete = await several.complete_id(form, kind)
            assert several.service_of(complete).name == name, (names, form)
            assert complete.removeprefix(f"{name}:") == own_id


@pytest.mark.parametrize("names", CONFIGURATIONS, ids="-".join)
async def test_the_account_of_an_id_does_not_depend_on_the_other_services(
    names: tuple[str, ...],
) -> None:
    for name in names:
        several = provider(names)
        complete = await several.complete_id(
            OWN_IDS[EVALUATION].format(NAMES.index(name)), EVALUATION
        )
        assert several.service_of(complete).account == f"account of {name}"


@pytest.mark.parametrize(
    ("then", "now"),
    [
        (["eval-1", None], ["local:eval-1", None]),
        (["local:eval-1", "key"], ["eval-1", "key"]),
        (
            {"evaluation_id": "eval-1", "show": "all"},
            {"evaluation_id": "local:eval-1", "show": "all"},
        ),
    ],
)
def test_a_cursor_continues_whatever_services_are_configured(then: object, now: object) -> None:
    assert read_cursor(now, write_cursor(then, 7)) == 7
    assert read_cursor(then, write_cursor(now, 7)) == 7


def test_a_cursor_of_an_earlier_version_is_still_read() -> None:
    cursor = "WyIzODAxNTI5NWIzZjYiLDdd"
    assert read_cursor({"evaluation_id": "together:eval-1", "show": "all"}, cursor) == 7
