"""The command line: its commands, options and help texts."""

from __future__ import annotations

import argparse
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import Any, Protocol

PROGRAM = "evals-mcp"

_EXAMPLES = """\
examples:
  evals-mcp install                 set the server up in the assistants of this machine
  evals-mcp install codex --print   show what would be written for one of them
  evals-mcp setup                   find models on this machine, and write the settings
  evals-mcp doctor                  check everything, with a remedy for each fault
  evals-mcp view                    look at evaluations in a browser
  evals-mcp serve --http            serve a team; see docs/deploy.md

files:
  settings  {config}
  data      {data}

An assistant starts `evals-mcp` without a command and speaks MCP with it over standard input.
"""


class _Commands(Protocol):
    """What `add_subparsers` returns, whose own type has no public name."""

    def add_parser(self, name: str, **options: Any) -> argparse.ArgumentParser:
        """Return the parser of a new command."""
        ...


class _Parser(argparse.ArgumentParser):
    """Adds the examples and addresses, which are looked up only if the help is printed."""

    def format_help(self) -> str:
        return f"{super().format_help()}\n{examples_and_addresses()}"


def examples_and_addresses() -> str:
    """Return the end of the help text: examples, paths of this machine, addresses."""
    from platformdirs import user_config_path, user_data_path  # noqa: PLC0415 - for the help only

    text = _EXAMPLES.format(
        config=user_config_path(PROGRAM, appauthor=False) / "config.toml",
        data=user_data_path(PROGRAM, appauthor=False),
    )
    if addresses := project_addresses():
        text += "\naddresses:\n" + "".join(f"  {address}\n" for address in addresses)
    return text


def project_addresses() -> list[str]:
    """Return the addresses of the project, as the installed package names them."""
    try:
        listed = metadata(PROGRAM).get_all("Project-URL") or []
    except PackageNotFoundError:
        return []
    return [
        f"{name:14} {address}" for name, _, address in (each.partition(", ") for each in listed)
    ]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _Parser(
        prog=PROGRAM,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="An MCP server that starts, follows and reads evaluations of language "
        "models.\nWithout a command it serves over stdio.",
    )
    parser.add_argument("--version", action="version", version=version(PROGRAM))
    parser.add_argument("--config", type=Path, metavar="PATH", help="configuration file (TOML)")
    commands = parser.add_subparsers(
        dest="command", title="commands", metavar="COMMAND", parser_class=argparse.ArgumentParser
    )
    _add_install(commands)
    _add_setup(commands)
    _add_doctor(commands)
    _add_serving(commands)
    _add_data(commands)
    _add_results(commands)
    _add_repository(commands)
    commands.add_parser("tools", help="print the tools as JSON, as a client sees them")
    commands.add_parser("rubrics", help="print every ready rubric in full, as Markdown")
    return parser


def _add_install(commands: _Commands) -> None:
    install = commands.add_parser(
        "install",
        help="set the server up in MCP clients",
        description="Write the entry of this server into the files of MCP clients. Other entries, "
        "comments and the order stay; the file is backed up; keys are named, never written.",
        epilog="Exit code: 0 if all is done, 1 if something was not written, 2 for a wrong "
        "command line.",
    )
    install.add_argument(
        "clients", nargs="*", metavar="CLIENT", help="such as claude-code; those found if absent"
    )
    add = install.add_argument
    add("--scope", choices=("user", "project"), default="user", help="for which projects (user)")
    add("--http", metavar="URL", dest="url", help="use a server over HTTP instead of starting one")
    add(
        "--with-keys",
        action="store_true",
        help="with --http: send your keys as headers, for http.mode header",
    )
    add(
        "--data-folder",
        type=Path,
        metavar="FOLDER",
        help="folder whose files may be uploaded; ~/evals for clients that start elsewhere",
    )
    add("--all", action="store_true", dest="everything", help="all clients found, without asking")
    add("--yes", action="store_true", help="ask nothing")
    add(
        "--force",
        action="store_true",
        help="replace or remove an entry that starts another program",
    )
    add("--remove", action="store_true", help="remove the entry")
    add("--print", action="store_true", dest="print_only", help="print the block, write nothing")
    add("--dry-run", action="store_true", help="say what would be written")
    add(
        "--no-check",
        action="store_false",
        dest="check",
        help="do not start the server to try it",
    )


def _add_setup(commands: _Commands) -> None:
    setup = commands.add_parser(
        "setup",
        help="find models on this machine, and write the settings",
        description="Ask for the clients, a folder for files, a server of models for judging "
        "(Ollama, LM Studio, llama.cpp and vLLM are looked for on this machine, and one verdict is "
        "tried), keys, and a limit; then write config.toml and the clients' files.",
        epilog="Exit code: 0 if all is done, 1 if something was not written, 2 for a wrong answer "
        "or command line.",
    )
    setup.add_argument("--yes", action="store_true", help="take every default, ask nothing")
    setup.add_argument(
        "--print", action="store_true", dest="print_only", help="print the files, write nothing"
    )


def _add_doctor(commands: _Commands) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="check everything, with a line to paste for each fault",
        description="Check settings, folders, judges, keys and the clients of this machine. Costs "
        "nothing and calls no other machine.",
        epilog="Exit code: 0 if nothing fails, 1 after a failure, 2 if the settings are faulty.",
    )
    doctor.add_argument("--online", action="store_true", help="ask the services about their keys")
    doctor.add_argument("--json", action="store_true", dest="as_json", help="print JSON")


def _add_serving(commands: _Commands) -> None:
    serve = commands.add_parser("serve", help="serve MCP over stdio (the default) or HTTP")
    serve.add_argument("--http", action="store_true", help="serve streamable HTTP; see [http]")
    serve.add_argument("--host", help="address to listen on; http.host if absent")
    serve.add_argument("--port", type=int, help="TCP port, 0 for a free one; http.port if absent")
    engine = commands.add_parser("engine", help="run the evaluation engine as a REST service")
    engine.add_argument(
        "action",
        nargs="?",
        choices=["migrate"],
        help="migrate creates or changes the tables of local.database_url, and ends",
    )
    engine.add_argument("--host", help="address to listen on; engine.host if absent")
    engine.add_argument(
        "--port", type=int, help="TCP port, 0 for a free one; engine.port if absent"
    )
    engine.add_argument(
        "--no-runs", action="store_true", help="answer requests only; others run the evaluations"
    )
    commands.add_parser(
        "worker", help="run evaluations of local.database_url, beside engines; opens no port"
    )


def _add_data(commands: _Commands) -> None:
    data = commands.add_parser("data", help="list, export or delete what the server remembers")
    actions = data.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="print the principals that have records, one a line")
    for action, text in (("export", "print a principal's records"), ("delete", "delete them")):
        described = actions.add_parser(action, help=text)
        described.add_argument("principal", metavar="PRINCIPAL", help="id or label; see list")


def _add_results(commands: _Commands) -> None:
    export = commands.add_parser("export", help="write the results of an evaluation to a file")
    export.add_argument("evaluation", metavar="ID", help="id of an ended evaluation")
    export.add_argument("--format", choices=("csv", "jsonl", "markdown", "html"), default="csv")
    export.add_argument(
        "--output", type=Path, metavar="FILE", help="new file; one in export.folder if absent"
    )
    report = commands.add_parser(
        "report", help="write a page to look at: an evaluation, or two of them compared"
    )
    report.add_argument("ids", nargs="+", metavar="ID", help="one ended evaluation, or two")
    report.add_argument("--rows", type=int, default=500, help="rows in it; 0 for none (500)")
    report.add_argument("--by", metavar="COLUMN", help="adds the figures for each of its values")
    report.add_argument(
        "--cluster-column",
        metavar="COLUMN",
        help="rows with an equal value belong together: intervals and tests count them as one",
    )
    report.add_argument(
        "--output", type=Path, metavar="FILE", help="new file; one in export.folder if absent"
    )
    label = commands.add_parser(
        "label",
        help="say what verdicts should be, without seeing them, one or two keys a row",
        description="Show the rows of a sample one after the other, without the judge's verdict, "
        "and keep what you say of each. Needs a terminal. get_evaluation has the figures.",
    )
    label.add_argument("evaluation", metavar="ID", help="id of an ended evaluation")
    label.add_argument(
        "--plan",
        choices=("random", "balanced"),
        default="random",
        help="balanced: half of the rows from those that the judge passes; for rare failures",
    )
    label.add_argument(
        "--as",
        dest="labeller",
        metavar="NAME",
        default="labeller 1",
        help="who labels; a second person gives another name (labeller 1)",
    )
    label.add_argument(
        "--close",
        action="store_true",
        help="end the labelling: the verdicts of the rows that wait for a label are shown again",
    )
    view = commands.add_parser("view", help="show evaluations in a browser on this machine")
    view.add_argument("evaluation", nargs="?", metavar="ID", help="the one shown first")


def _add_repository(commands: _Commands) -> None:
    run = commands.add_parser(
        "run",
        help="run the evaluations of a file in a repository",
        description="Upload the data, judge it and write a folder of results: JSON, JUnit XML, "
        "Markdown, the rows and a page to look at. Asks nothing: `max_usd` in the file is the "
        "consent.",
        epilog="Exit code: 0 if it ran, 2 if it could not run, 130 after Ctrl-C, which leaves the "
        "evaluation running.",
    )
    _add_run_options(run, "evals-results")
    run.set_defaults(all_rows=False)
    run.add_argument(
        "--continue",
        dest="continues",
        nargs="?",
        const="",
        metavar="FILE|ID",
        help="judge the rows that a run with stop_when left: its results.json, its folder or its "
        "evaluation; the folder of --out if none is named",
    )
    gate = commands.add_parser(
        "gate",
        help="run them, and fail if the answers became worse than a baseline's",
        description="Judge what has changed since the baseline, take over the other verdicts, and "
        "decide by the section [gate] of the file. Writes what `run` writes.",
        epilog="Exit code: 0 passed, 1 regressed, 2 could not run, 3 not enough evidence if the "
        'file says `unclear = "fail"` (else 0 with an annotation), 130 after Ctrl-C.',
    )
    _add_run_options(gate, "gate-results")
    gate.add_argument(
        "--baseline",
        required=True,
        metavar="FILE|ID",
        help="results.json of an earlier run, its folder, or an evaluation for each metric",
    )
    gate.add_argument(
        "--all-rows",
        action="store_true",
        help="judge every row although the file lets the gate stop, as for the next baseline",
    )


def _add_run_options(command: argparse.ArgumentParser, folder: str) -> None:
    command.add_argument("file", type=Path, metavar="FILE", help="such as evals.toml")
    command.add_argument("--dry-run", action="store_true", help="show rows, calls and cost only")
    command.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"folder of the results; {folder} beside the file if absent",
    )
    command.add_argument(
        "--again", action="store_true", help="judge again what was judged a moment ago"
    )
