"""Five rounds of the proof of identical creates; `make proofs` runs 200 of each kind."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.proofs.identical_creates import over_http, over_stdio

pytestmark = pytest.mark.usefixtures("lines_not_counted")


async def test_identical_creates_at_once_of_two_servers_start_one_evaluation(
    tmp_path: Path,
) -> None:
    with anyio.fail_after(300):
        (await over_stdio(tmp_path, 2)).check()


async def test_two_servers_without_a_shared_folder_of_state_start_one_evaluation_at_the_engine(
    tmp_path: Path,
) -> None:
    with anyio.fail_after(300):
        (await over_stdio(tmp_path, 1, share_state=False)).check(one_starts=False)


async def test_identical_creates_at_once_of_clients_over_http_start_one_evaluation(
    tmp_path: Path,
) -> None:
    with anyio.fail_after(300):
        (await over_http(tmp_path, 2)).check()
