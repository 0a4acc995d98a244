"""The command line. This is the only module that prints.

Each command imports what it needs once it is chosen, so that help texts and the server's
first answer need no other imports.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from evals_mcp.errors import EvalsMCPError, NotFoundError, OperatorError, SettingsError

if TYPE_CHECKING:
    import argparse

    from evals_mcp.settings.loading import Settings
    from evals_schemas.tools.exports import ExportFormat

# ruff: noqa: PLC0415 - see above


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    0 if it worked, 2 if the command line or a setting is wrong, and 1 if something is impossible
    for another reason: an export, a report, the set-up of a client.
    """
    chosen = _chosen(arguments)
    if text_of := {"tools": _tools, "rubrics": _rubrics}.get(chosen.command):
        return _print(text_of())
    try:
        if set_up := _SETTING_UP.get(chosen.command):
            return set_up(chosen)
        return _run(chosen, _load(chosen.config))
    except OperatorError as error:
        print(f"evals-mcp: {error}", file=sys.stderr)
        return 2


def _run(chosen: argparse.Namespace, settings: Settings) -> int:
    """Run a command that needs the settings."""
    commands: dict[str, Callable[[], int]] = {
        "data": lambda: _data(settings, chosen.action, getattr(chosen, "principal", "")),
        "export": lambda: _export(settings, chosen.evaluation, chosen.format, chosen.output),
        "report": lambda: _report(settings, chosen),
        "run": lambda: _run_file(settings, chosen),
        "gate": lambda: _run_file(settings, chosen),
        "label": lambda: _label(settings, chosen),
        "view": lambda: _view(settings, chosen.evaluation),
        "engine": lambda: _engine(settings, chosen),
        "worker": lambda: _worker(settings),
    }
    if run := commands.get(chosen.command):
        return run()
    if chosen.command == "serve" and chosen.http:
        return _serve_http(settings, chosen.host, chosen.port)
    if chosen.command == "serve" and (chosen.host or chosen.port is not None):
        raise SettingsError("--host and --port go with --http; stdio has neither")
    return _serve(settings)


def _chosen(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what the command line says.

    Clients start the server without arguments, and wait: nothing is parsed then.
    """
    if not (sys.argv[1:] if arguments is None else arguments):
        return cast("argparse.Namespace", SimpleNamespace(command=None, config=None))
    from evals_mcp.commands.parser import build_parser

    return build_parser().parse_args(arguments)


def _load(config: Path | None) -> Settings:
    from evals_mcp.services import SERVICES
    from evals_mcp.settings.loading import load_settings

    settings = load_settings(config, os.environ, Path.cwd(), SERVICES)
    _log_to_stderr(settings.server.log_level.upper())
    return settings


def _log_to_stderr(level: str) -> None:
    """Log this project at the chosen level and libraries from warning: they log arguments."""
    number = logging.getLevelNamesMapping()[level]
    logging.basicConfig(
        stream=sys.stderr,
        level=max(number, logging.WARNING),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    for package in ("evals_mcp", "evals_engine"):
        logging.getLogger(package).setLevel(number)


def _install(chosen: argparse.Namespace) -> int:
    from evals_mcp.commands.console import Terminal
    from evals_mcp.commands.install import Installer
    from evals_mcp.commands.surroundings import install_options, surroundings

    return Installer(install_options(chosen), surroundings(chosen.config), Terminal()).run()


def _doctor(chosen: argparse.Namespace) -> int:
    with _loading():
        from evals_mcp.commands.console import Terminal
        from evals_mcp.commands.doctor import DoctorOptions, run_doctor
        from evals_mcp.commands.surroundings import this_machine, typed_program

    # Servers that end early, such as those of trials, are no news here.
    logging.getLogger("evals_mcp").setLevel(logging.CRITICAL)
    options = DoctorOptions(chosen.config, chosen.online, chosen.as_json, typed_program())
    return run_doctor(options, this_machine(), version("evals-mcp"), Terminal())


def _setup(chosen: argparse.Namespace) -> int:
    with _loading():
        from evals_mcp.commands.console import Terminal
        from evals_mcp.commands.setup import Setup
        from evals_mcp.commands.surroundings import setup_options, surroundings

    logging.getLogger("evals_mcp").setLevel(logging.CRITICAL)
    return Setup(setup_options(chosen), surroundings(chosen.config), Terminal()).run()


_SETTING_UP: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "doctor": _doctor,
    "install": _install,
    "setup": _setup,
}
"""Commands that work without settings, or read them themselves."""


def _serve(settings: Settings) -> int:
    import signal

    from evals_mcp.stdio.by_hand import ByHand
    from evals_mcp.stdio.early_answers import EarlyAnswers
    from evals_mcp.stdio.entrance import Entrance
    from evals_mcp.stdio.wire import claim_standard_streams

    number = version("evals-mcp")
    early = EarlyAnswers(number, read_only=settings.server.read_only)
    by_hand = ByHand(number, _say_on_stderr) if os.isatty(0) else None
    entrance = Entrance(claim_standard_streams(), early, by_hand)
    entrance.open()
    # A thread waits for standard input and cannot be interrupted; runs are durable at any moment.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

    # The client has its first answers while this loads, which takes most of a start.
    with _loading():
        import anyio
        from mcp.server.stdio import stdio_server

        from evals_mcp.lifetime import open_services
        from evals_mcp.server import build_server
        from evals_mcp.stdio.handover import handed_over

    server = build_server(
        number, partial(open_services, settings), read_only=settings.server.read_only
    )

    async def serve() -> None:
        async with stdio_server(*handed_over(entrance)) as (received, sent):
            await server.run(received, sent, server.create_initialization_options())

    anyio.run(serve)
    return 0


def _say_on_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _serve_http(settings: Settings, host: str | None, port: int | None) -> int:
    with _loading():
        from evals_mcp.http.logs import log_json_lines
        from evals_mcp.http.serve import HttpService
        from evals_mcp.http.telemetry import start_export

    log_json_lines()
    _check_port(port)
    host = host or settings.http.host
    try:
        service = HttpService(settings, version("evals-mcp"), host, port)
    except (OSError, UnicodeError) as error:
        raise _no_listening("http", error) from None
    end_export = start_export(os.environ)
    try:
        service.run(lambda url: print(f"evals-mcp on {url}", flush=True))
    finally:
        end_export()
    return 0


def _engine(settings: Settings, chosen: argparse.Namespace) -> int:
    with _loading():
        from evals_mcp.local_engine.shared_database import migrate_tables
        from evals_mcp.local_engine.standalone import EngineService

    if chosen.action == "migrate":
        if chosen.host or chosen.port is not None or chosen.no_runs:
            raise SettingsError(
                "engine migrate serves nothing: it takes no --host, --port, --no-runs"
            )
        return _print(migrate_tables(settings))
    _check_port(chosen.port)
    host: str = chosen.host or settings.engine.host
    try:
        service = EngineService(settings, host, chosen.port, runs=not chosen.no_runs)
    except (OSError, UnicodeError) as error:
        raise _no_listening("engine", error) from None
    if service.damaged_copy:
        notice = f"the damaged database was renamed to {service.damaged_copy}"
        print(f"evals-mcp: started with a new database; {notice}", file=sys.stderr)
    service.run(lambda url: print(f"evals-mcp engine on {url}", flush=True))
    return 0


def _worker(settings: Settings) -> int:
    with _loading():
        from evals_mcp.local_engine.worker import WorkerService

    service = WorkerService(settings)
    service.run(lambda: print("evals-mcp worker takes tickets", flush=True))
    return 0


def _data(settings: Settings, action: str, named: str) -> int:
    import json
    from datetime import UTC, datetime

    from evals_mcp.principals import Principal
    from evals_mcp.state.records import State

    state = State(settings.state.folder, settings.state.max_bytes, lambda: datetime.now(UTC))
    principals = {each.principal_id: each for each in state.principals()}
    if action == "list":
        for each in principals.values():
            changed = each.updated_at.isoformat(timespec="seconds")
            size = f"{each.records} records  {each.used_bytes} bytes  {changed}"
            print(f"{Principal(each.principal_id).label}  {size}  {json.dumps(each.principal_id)}")
        return 0
    chosen = [each for each in principals if named in {each, Principal(each).label}]
    if not chosen:
        raise OperatorError(
            f"{settings.state.folder} has no records of this principal; `evals-mcp data list` "
            "prints those that it has"
        )
    records = state.of(chosen[0])
    if action == "delete":
        print(f"{records.delete_all()} records deleted")
        return 0
    for record in records.export():
        fields = {"kind": record.kind, "name": record.name, "value": record.value}
        times = {"created_at": record.created_at, "updated_at": record.updated_at}
        print(json.dumps(fields | {name: time.isoformat() for name, time in times.items()}))
    return 0


def _export(settings: Settings, evaluation_id: str, form: ExportFormat, output: Path | None) -> int:
    with _loading():
        import anyio

        from evals_mcp.commands.export import export
        from evals_mcp.rendering.tool_text import exported

    return _printed(lambda: exported(anyio.run(export, settings, evaluation_id, form, output)))


def _report(settings: Settings, chosen: argparse.Namespace) -> int:
    with _loading():
        import anyio

        from evals_mcp.commands.report import ReportOptions, report

    options = ReportOptions(chosen.rows, chosen.by, chosen.cluster_column, chosen.output)
    return _printed(lambda: anyio.run(report, settings, chosen.ids, options))


def _run_file(settings: Settings, chosen: argparse.Namespace) -> int:
    with _loading():
        from evals_mcp.commands.run import RunCommand, default_folder
        from evals_mcp.repository_runs.run import RunOptions

    out = chosen.out or default_folder(chosen.file, chosen.command)
    continues = getattr(chosen, "continues", None)
    options = RunOptions(chosen.file, out, chosen.dry_run, chosen.again, continues, chosen.all_rows)
    return RunCommand(settings, options, os.environ, getattr(chosen, "baseline", None)).run()


def _label(settings: Settings, chosen: argparse.Namespace) -> int:
    with _loading():
        import anyio

        from evals_mcp.commands.label import LabelOptions, close_in_terminal, label_in_terminal

    if chosen.close:
        return _printed(lambda: anyio.run(close_in_terminal, settings, chosen.evaluation))
    options = LabelOptions(chosen.evaluation, chosen.plan, chosen.labeller)
    return _printed(lambda: label_in_terminal(settings, options))


def _view(settings: Settings, evaluation_id: str | None) -> int:
    with _loading():
        from evals_mcp.commands.view import IDLE_SECONDS, view

    def announce(address: str) -> None:
        print(address)
        ends = f"Ctrl-C ends it, and so do {IDLE_SECONDS / 60:.0f} minutes without a call."
        print(f"Open this address in a browser of this machine. {ends}", flush=True)

    return _printed(lambda: view(settings, evaluation_id, announce))


def _printed(work: Callable[[], str | None]) -> int:
    """Print what some work has to say, or why it is impossible; return the exit code."""
    try:
        text = work()
    except OperatorError:
        raise
    except EvalsMCPError as error:
        # The message names a tool with the ids, which only an assistant can call.
        here = " In a terminal: `evals-mcp view`." if isinstance(error, NotFoundError) else ""
        print(f"evals-mcp: {error}{here}", file=sys.stderr)
        return 1
    if text is not None:
        print(text)
    return 0


@contextmanager
def _loading() -> Generator[None]:
    """Disable garbage collection while importing, and exempt the imported objects afterwards.

    That saves a tenth of the import time, and later pauses of tens of milliseconds in calls.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _check_port(port: int | None) -> None:
    if port is not None and not 0 <= port <= 65535:
        raise SettingsError("--port must be from 0 to 65535; 0 takes a free one")


def _no_listening(section: str, error: Exception) -> SettingsError:
    problem = getattr(error, "strerror", None) or "unknown host name"
    return SettingsError(
        f"{section}.host and {section}.port: cannot listen there ({problem}); choose another "
        "port, or 0 for a free one"
    )


def _tools() -> str:
    import json

    from evals_mcp.tools.catalog import TOOLS
    from evals_mcp.views.app.resource import listed_tool
    from evals_mcp.views.app.tools import APP_TOOLS, listed_app_tool

    listed = {"tools": map(listed_tool, TOOLS), "app_tools": map(listed_app_tool, APP_TOOLS)}
    written = {
        key: [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
        for key, tools in listed.items()
    }
    return json.dumps(written, indent=2)


def _rubrics() -> str:
    from evals_schemas.rubrics.page import rubrics_page

    return rubrics_page().removesuffix("\n")


def _print(text: str) -> int:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # The reader closed the pipe; flushing the buffer at the exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
