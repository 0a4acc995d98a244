"""The sentences of a gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evals_mcp.cleaning import quoted
from evals_mcp.gate.floors import Level
from evals_mcp.gate.looks import BETTING
from evals_mcp.results.number_text import counted, fixed, score, signed
from evals_mcp.spending.dollars import usd
from evals_schemas.repository.results import Decision, GateMetric, GateStopping, PinnedRows

_NAME = 60
_ROWS_NAMED = 10

_NEUTRAL = "This is not a pass."


def of_metric(line: GateMetric, level: Level, *, same_answers: bool) -> str:
    """Return the sentence about one metric that could be decided."""
    match line.outcome:
        case "passed":
            return _passed(line, same_answers=same_answers)
        case "regressed" if level == "surely missed":
            return f"Regressed: {_below_floor(line)}, more than chance alone explains."
        case "regressed" if _holds_at_every_look(line):
            return _regressed_at_a_look(line)
        case "regressed":
            return f"Regressed: worse by {_size(line)} ({_loss(line)})."
        case _ if level == "missed":
            return (
                f"Not enough evidence: {_below_floor(line)}, though by chance it may be. {_NEUTRAL}"
            )
        case _:
            return _unclear(line)


def whole(outcome: Decision, lines: Sequence[GateMetric], pinned: PinnedRows | None) -> str:
    """Return the sentence about all metrics and the pinned rows."""
    parts: list[str] = []
    if pinned and pinned.failed:
        numbers = ", ".join(map(str, pinned.failed[:_ROWS_NAMED]))
        more = f" and {len(pinned.failed) - _ROWS_NAMED} more" * (len(pinned.failed) > _ROWS_NAMED)
        row = "row" if len(pinned.failed) == 1 else "rows"
        parts.append(f"Regressed: pinned {row} {numbers}{more} failed three times in a row.")
    deciding = [line for line in lines if line.outcome == outcome] or list(lines)
    if pinned and pinned.failed:
        deciding = [line for line in lines if line.outcome == "regressed"]
    if len(lines) == 1:
        parts += [line.sentence for line in deciding]
    else:
        parts += [f"{quoted(line.name, _NAME)}: {line.sentence}" for line in deciding]
    return " ".join(parts)


def stopped(stopping: GateStopping) -> str:
    """Return what ended a gate that stops when it is decided, and what was not judged."""
    of = f"of {counted(stopping.of_rows, 'row')} in random order"
    not_judged = stopping.rows_not_judged
    rest = f"{counted(not_judged, 'row')} {'was' if not_judged == 1 else 'were'} not judged"
    if stopping.not_spent_usd is not None and not_judged:
        rest += f", about {usd(stopping.not_spent_usd)} not spent"
    match stopping.ended:
        case "decided":
            return f"Decided after {stopping.rows:,} {of}; {rest}."
        case "all_rows":
            return f"Nothing was decided before the last of {stopping.of_rows:,} rows."
        case "max_rows":
            return f"Ended by `max_rows` after {stopping.rows:,} {of}; {rest}."
        case "max_usd":
            return f"Ended by `max_usd` after {stopping.rows:,} {of}; {rest}."
        case _:
            return f"Ended after {stopping.rows:,} {of}, as no other verdict helps; {rest}."


def could_not_run(reason: str) -> str:
    """Return that nothing was decided, and why."""
    return f"Could not run: {reason.rstrip('.')}."


def named(lines: Sequence[GateMetric], reasons: Mapping[str, str]) -> list[str]:
    """Return the reasons, each with its metric if there are several."""
    if len(lines) == 1:
        return list(reasons.values())
    return [f"{quoted(name, _NAME)}: {text}" for name, text in reasons.items()]


def small_loss(name: str, margin: float) -> str:
    """Return the note on a certain loss that is within the margin."""
    return (
        f"{quoted(name, _NAME)} became worse for certain, by less than the margin of {margin:g}. "
        "Several such losses add up: the next baseline starts from here."
    )


def _passed(line: GateMetric, *, same_answers: bool) -> str:
    if same_answers:
        return "Pass: every answer is the same as the baseline's."
    if line.interval and _holds_at_every_look(line):
        return (
            f"Pass: not worse by more than {_units(line, line.margin or 0)} "
            f"({_level(line.interval.level)} at every look: {_ends(line)}; "
            f"{counted(line.rows, 'row')})."
        )
    chance = f", {_level(line.interval.level)} {_ends(line)}" if line.interval else ""
    return (
        f"Pass: not worse by more than {_units(line, line.margin or 0)} "
        f"(difference {_signed(line, line.difference or 0)}{chance}; {counted(line.rows, 'row')})."
    )


def _unclear(line: GateMetric) -> str:
    if line.interval is None:
        return (
            f"Not enough evidence: the rows come from too few clusters for an interval. {_NEUTRAL}"
        )
    low, high = line.interval.low, line.interval.high
    span = f"between {_side(line, low)} and {_side(line, high)}"
    if line.rows_needed is None or line.rows_needed <= line.rows:
        return (
            f"Not enough evidence: {span} over {counted(line.rows, 'row')}; the margin is "
            f"{_units(line, line.margin or 0)}. {_NEUTRAL}"
        )
    needed = _two_digits(line.rows_needed)
    return (
        f"Not enough evidence: {span}; about {needed:,} rows would settle it, {line.rows:,} were "
        f"judged. {_NEUTRAL}"
    )


def _below_floor(line: GateMetric) -> str:
    return f"{_number(line, line.candidate or 0)} is below the floor of {line.floor or 0:g}"


def _holds_at_every_look(line: GateMetric) -> bool:
    return line.interval is not None and line.interval.method == BETTING


def _regressed_at_a_look(line: GateMetric) -> str:
    """Return the interval alone: a difference that has ended the gate is too large on average."""
    ends = line.interval_of_loss
    assert ends is not None, "bets always give one"
    if line.p_holm is not None:
        return f"Regressed: worse ({_loss(line)}, at every look; {counted(line.rows, 'row')})."
    return (
        f"Regressed: worse by {_number(line, -ends.high)} to {_units(line, -ends.low)} "
        f"({_level(ends.level)} at every look; {counted(line.rows, 'row')})."
    )


def _size(line: GateMetric) -> str:
    return _units(line, -(line.difference or 0))


def _loss(line: GateMetric) -> str:
    if line.p_holm is not None:
        return f"corrected for several metrics p = {line.p_holm:.3g}"
    ends = line.interval_of_loss
    if ends is None:
        return "no interval"
    return f"{_level(ends.level)} {_signed(line, ends.low)} to {_signed(line, ends.high)}"


def _ends(line: GateMetric) -> str:
    assert line.interval is not None, "the caller has checked it"
    return f"{_signed(line, line.interval.low)} to {_signed(line, line.interval.high)}"


def _level(level: float) -> str:
    return f"{level:g} %"


def _side(line: GateMetric, value: float) -> str:
    return f"{_number(line, abs(value))} {'worse' if value < 0 else 'better'}"


def _signed(line: GateMetric, value: float) -> str:
    if value == 0:
        return _number(line, 0)
    if line.figure == "mean_score":
        text = score(value)
        return text if text.startswith("-") else f"+{text}"
    return signed(value)


def _number(line: GateMetric, value: float) -> str:
    return score(value) if line.figure == "mean_score" else fixed(value)


def _units(line: GateMetric, value: float) -> str:
    if line.figure == "mean_score":
        return score(value)
    return f"{value:g} points" if value == round(value, 1) else f"{fixed(value)} points"


def _two_digits(rows: int) -> int:
    step = 10 ** max(0, len(str(rows)) - 2)
    return -(-rows // step) * step
