"""The worker process: reads requests, computes their items under limits, writes the answers.

A request is `[job, task, setup, careful, items]`. `setup` is null if the worker has set the job up
before. The answer is `[facts, [result, …]]`. Facts and each result are `["ok", value]`, or
`["error", text]` where the set-up or the item is at fault, or `["bug", frames]`. With `careful`,
each result is a frame of its own, so that the engine sees which item ends the process.
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

OUT_OF_MEMORY = "needs more memory than one row may take"


def main() -> None:
    """Serve standard input until it ends. The arguments are the limits: bytes, CPU seconds."""
    memory_bytes, cpu_seconds = int(sys.argv[1]), float(sys.argv[2])
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    # What foreign code prints must not get between the answers.
    sys.stdin, sys.stdout = None, sys.stderr  # type: ignore[assignment]
    limit_process(memory_bytes)
    serve(requests, answers, cpu_seconds)


def serve(requests: BinaryIO, answers: BinaryIO, cpu_seconds: float) -> None:
    """Answer requests until there are no more.

    Args:
        requests: frames to read.
        answers: where frames are written.
        cpu_seconds: processor time for a request, or for each item of a careful one.
    """
    jobs: dict[str, tuple[Any, Compute]] = {}
    while True:
        try:
            job, task, setup, careful, items = read_frame(requests)
        except EOFError:
            return
        with_limit(cpu_seconds)
        try:
            if job not in jobs:
                jobs[job] = open_task(task, setup)
            facts, compute = jobs[job]
        except TaskError as error:
            _write(answers, [["error", str(error)], []])
        except (MemoryError, RecursionError):
            _write(answers, [["error", OUT_OF_MEMORY], []])
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
        except (MemoryError, RecursionError):
            result = ["error", OUT_OF_MEMORY]
            gc.collect()
        except Exception as error:  # noqa: BLE001 - reported to the engine, which logs it
            result = ["bug", _bug(error)]
        yield result


def _bug(error: Exception) -> str:
    """Return where an error came from, without its text, which may quote a row."""
    return "".join([type(error).__name__, "\n", *traceback.format_tb(error.__traceback__)])


def _write(answers: BinaryIO, message: Any) -> None:
    try:
        frame = written_frame(message)
    except MemoryError:
        gc.collect()
        frame = written_frame([["error", OUT_OF_MEMORY], []])
    answers.write(frame)
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
