"""`evals-mcp doctor`: checks everything, with a line to paste for each fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from evals_mcp.commands.console import Console
from evals_mcp.diagnosis.clients import check_clients
from evals_mcp.diagnosis.findings import Finding, as_json, as_lines, summary
from evals_mcp.diagnosis.installation import check_files, check_folders, check_settings
from evals_mcp.diagnosis.judges import check_model_judges, check_rules, check_services, keys_of
from evals_mcp.diagnosis.local_models import PORTS
from evals_mcp.installing.locations import Machine
from evals_mcp.settings.loading import PREFIX
from evals_mcp.settings.schema import Settings


@dataclass(frozen=True)
class DoctorOptions:
    """The options of the command line."""

    config: Path | None = None
    online: bool = False
    as_json: bool = False
    program: str = "evals-mcp"
    """How this command is typed on this machine, for the lines to paste."""
    judge_row: bool = True
    """Whether a row is judged through the whole engine, which takes most of the time."""
    ports: Mapping[int, str] | None = None
    """The ports on which servers of models are looked for; None for the usual ones."""


def run_doctor(options: DoctorOptions, machine: Machine, version: str, console: Console) -> int:
    """Check everything and report it; return 0, 1 after a failure, 2 if settings are faulty."""
    settings, first = check_settings(options.config, machine.environ, machine.project)
    findings: list[Finding] = []
    if not options.as_json:
        console.say(f"evals-mcp {version} doctor")
    for found in chain([first], _checks(settings, options, machine)):
        finding = _to_paste(_by_its_cause(found, first), options.program)
        findings.append(finding)
        if not options.as_json:
            for line in as_lines([finding]):
                console.say(line)
    console.say(as_json(version, findings) if options.as_json else summary(findings))
    if settings is None:
        return 2
    return int(any(finding.state == "fail" for finding in findings))


def _by_its_cause(finding: Finding, settings: Finding) -> Finding:
    """Return a finding with the remedy of faulty settings, where they are what it is about."""
    if settings.state != "fail" or settings.text not in finding.text:
        return finding
    return replace(finding, mend=settings.mend)


def _to_paste(finding: Finding, program: str) -> Finding:
    """Return a finding whose remedy names this command as it can be typed here."""
    if finding.mend is None or not finding.mend.startswith("evals-mcp "):
        return finding
    return replace(finding, mend=program + finding.mend.removeprefix("evals-mcp"))


def _checks(
    settings: Settings | None, options: DoctorOptions, machine: Machine
) -> Iterator[Finding]:
    """Yield the checks in their order; those that wait run meanwhile."""
    with ThreadPoolExecutor(3) as pool:
        rules = pool.submit(check_rules) if options.judge_row else None
        needed = _needed(settings, machine)
        allowed = settings.datasets.allowed_folders if settings else ()
        clients = pool.submit(
            lambda: list(
                check_clients(machine, needed, has_data_folders=allowed != (machine.project,))
            )
        )
        if settings is not None:
            models = pool.submit(check_model_judges, settings, options.ports or PORTS)
            yield from check_folders(settings)
            yield from check_files(settings, machine.project)
            if rules:
                yield rules.result()
            yield models.result()
            yield from check_services(settings, machine.environ, online=options.online)
        elif rules:
            yield rules.result()
        yield from clients.result()


def _needed(settings: Settings | None, machine: Machine) -> list[str]:
    """Return the variables of the shell that the server uses: keys and settings."""
    names = [name for name in machine.environ if name.startswith(PREFIX) and machine.environ[name]]
    if settings is not None:
        names += [
            key.source
            for key in keys_of(settings, machine.environ)
            if key.source in machine.environ
        ]
    return sorted(names)
