"""The sixteen checks of several nodes, each as one or more parts that run by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from tests.proofs.nodes import checks, gate
from tests.proofs.nodes.any_node import any_node
from tests.proofs.nodes.chaos import chaos
from tests.proofs.nodes.finding import Finding
from tests.proofs.nodes.queue_engine import existing_queue
from tests.proofs.nodes.speed import speed
from tests.proofs.nodes.versions import versions_side_by_side

CHAOS_ROWS = 30_000
SPEED_ROWS = 20_000

Run = Callable[[], Awaitable[Finding]]


@dataclass(frozen=True)
class Part:
    """One line of the table."""

    check: int
    """The number of the check, 1 to 16."""
    name: str
    run: Run


def parts(seeds: Iterable[int], outages: int) -> Iterator[Part]:
    """Yield all parts in the order of the checks."""
    for version in gate.VERSIONS:
        yield Part(1, f"python-{version}", partial(gate.on_python, version))
    yield Part(1, "user", gate.as_user)
    yield Part(2, "store", gate.contract)
    yield Part(2, "store-15", partial(gate.contract, gate.OLDEST_SERVER))
    yield Part(3, "claims", gate.claims)
    yield Part(4, "speed-1", partial(speed, 1, 0.05, 1.15, SPEED_ROWS))
    yield Part(4, "speed-2", partial(speed, 2, 0.05, None, SPEED_ROWS))
    yield Part(4, "speed-4", partial(speed, 4, 0.05, None, SPEED_ROWS))
    yield Part(4, "speed-4-slow-calls", partial(speed, 4, 0.2, 1.2, SPEED_ROWS))
    yield from _faults(outages)
    for seed in seeds:
        yield Part(10, f"chaos-{seed}", partial(chaos, seed, CHAOS_ROWS))
    yield Part(11, "queue", partial(checks.emptied_queue, 6_000))
    yield Part(12, "cancel", partial(checks.cancelled, 6_000))
    yield Part(12, "cancel-last", partial(checks.cancelled_at_the_end, 200))
    yield Part(13, "any-node", partial(any_node, 2_000))
    yield Part(14, "fair", partial(checks.fair_share, 5_000))
    yield Part(15, "versions", partial(versions_side_by_side, 12_000))
    yield Part(16, "engine", existing_queue)


def _faults(outages: int) -> Iterator[Part]:
    yield Part(5, "in-flight", partial(checks.calls_in_flight, 6_000))
    yield Part(6, "kill", partial(checks.killed_node, 6_000))
    yield Part(6, "term", partial(checks.stopped_node, 6_000))
    yield Part(7, "stop", partial(checks.sleeping_node, 8_000))
    for number in range(1, outages + 1):
        yield Part(8, f"database-{number}", partial(checks.lost_database, 6_000))
    # With a lease that outlasts the cut nothing is judged again; with a shorter one any row may be.
    for lease, most_repeated in ((30, 0), (6, 12_000)):
        for mode in ("swallow", "reset"):
            cut = partial(checks.cut_off, 12_000, mode, lease, most_repeated)
            yield Part(9, f"{mode}-{lease}", cut)


def chosen(names: Iterable[str], every: Iterable[Part]) -> list[Part]:
    """Return the parts with these names, starts of names up to a hyphen, or numbers of checks.

    Raises:
        ValueError: No part has the name; the message lists all.
    """
    every, wanted = list(every), list(names)
    for name in wanted:
        if not any(_has(part, name) for part in every):
            known = ", ".join(part.name for part in every)
            raise ValueError(f"No check {name!r}. There are 1 to 16, and: {known}")
    return [part for part in every if not wanted or any(_has(part, name) for name in wanted)]


def _has(part: Part, name: str) -> bool:
    return name in {str(part.check), part.name} or part.name.startswith(f"{name}-")
