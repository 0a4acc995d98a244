"""The worker process: reads requests, computes their items under limits, writes the answers.

A request is `[job, task, setup, careful, cpu_seconds, items]`. `setup` is null if the worker has
set the job up before. The answer is `[facts, [result, …]]`. Facts and each result are
`["ok", value]`, or `["error", text]` where the set-up or the item is at fault, or
`["memory", null]` where memory was not enough, or `["bug", frames]`. `cpu_seconds` is the processor
time of the whole request. With `careful`, each item has that time, and each result is a frame of
its own, so that the engine sees which item ends the process.
"""

from __future__ import annotations

import gc
import signal
import sys
import traceback
from collections.abc import Iterator
from typing import Any, BinaryIO

from evals_engine.compute.frames import read_frame, written_frame
from evals_engine.compute.tasks import Compute, TaskError, open_task

OPEN_FILES = 16
"""File descriptors that a worker may have open."""

_OUT_OF_MEMORY = ["memory", None]


def main() -> None:
    """Serve standard input until it ends. The argument is the memory in bytes."""
    memory_bytes = int(sys.argv[1])
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    # What foreign code prints must not get between the answers.
    sys.stdin, sys.stdout = None, sys.stderr  # type: ignore[assignment]
    limit_process(memory_bytes)
    serve(requests, answers)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer the frames of `requests` in `answers` until there are no more."""
    jobs: dict[str, tuple[Any, Compute]] = {}
    while True:
        try:
            job, task, setup, careful, cpu_seconds, items = read_frame(requests)
        except EOFError:
            return
        with_limit(cpu_seconds)
        try:
            if job not in jobs:
                jobs[job] = open_task(task, setup)
            facts, compute = jobs[job]
        except TaskError as error:
            _write(answers, [["error", str(error)], []])
        except MemoryError:
            _write(answers, [_OUT_OF_MEMORY, []])
        except Exception as error:  # noqa: BLE001 - reported to the engine, which logs it
            _write(answers, [["bug", _bug(error)], []])
        else:
            _answer(answers, ["ok", facts], _results(compute, items), cpu_seconds, careful=careful)
        with_limit(0)


def _answer(
    answers: BinaryIO,
    facts: list[Any],
    results: Iterator[list[Any]],
    cpu_seconds: float,
    *,
    careful: bool,
) -> None:
    if not careful:
        _write(answers, [facts, list(results)])
        return
    _write(answers, [facts, []])
    for result in results:
        _write(answers, result)
        with_limit(cpu_seconds)


def _results(compute: Compute, items: list[Any]) -> Iterator[list[Any]]:
    for item in items:
        try:
            result = ["ok", compute(item)]
        except TaskError as error:
            result = ["error", str(error)]
        except MemoryError:
            result = _OUT_OF_MEMORY
            gc.collect()
        except Exception as error:  # noqa: BLE001 - reported to the engine, which logs it
            result = ["bug", _bug(error)]
        yield result


def _bug(error: Exception) -> str:
    """Return where an error came from, without its text, which may quote a row."""
    return "".join([type(error).__name__, "\n", *traceback.format_tb(error.__traceback__)])


def _write(answers: BinaryIO, message: Any) -> None:
    # Without memory for the answer this process ends, and the engine tries each item alone.
    answers.write(written_frame(message))
    answers.flush()


def with_limit(cpu_seconds: float) -> None:
    """End this process once it has used so much processor time from now on; 0 for no limit.

    The system ends it, whatever code is running. Windows has no such timer: there the engine's
    deadline alone ends the process.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)


def limit_process(memory_bytes: int) -> None:
    """Set the limits of this process: memory, open files, no core dump. Not on Windows."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)


if __name__ == "__main__":
    main()
