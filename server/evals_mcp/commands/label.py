"""`evals-mcp label ID`: a person labels rows in a terminal, without seeing the verdicts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import anyio
from anyio import to_thread

from evals_mcp.cleaning import clean
from evals_mcp.commands.session import as_local_user
from evals_mcp.errors import InvalidRequestError, OperatorError
from evals_schemas.labelling.page import LabelRow, LabelsPage

if TYPE_CHECKING:
    from evals_mcp.labels.labelling import Labelling
    from evals_mcp.labels.sample import LabelSample, SamplePlan
    from evals_mcp.settings.schema import Settings
    from evals_mcp.tools.calls.session import ToolSession

# ruff: noqa: PLC0415 - the command line imports what it needs once a command is chosen

SKIP, BACK, QUIT = "s", "b", "q"
LABEL = "label"
_ENTER, _ERASE = frozenset({"\r", "\n"}), frozenset({"\x7f", "\b"})
_END = frozenset({"", "\x03", "\x04"})
"""The end of the input, Ctrl-C and Ctrl-D."""

_TEXT, _QUESTION = 4_000, 1_000


class Keyboard(Protocol):
    """Where keys are read, one at a time, and texts are shown."""

    def key(self) -> str:
        """Return the next key; an empty text at the end. Blocks."""
        ...

    def show(self, text: str) -> None:
        """Show a text as lines."""
        ...


class TerminalKeyboard:
    """The terminal of this process, which gives each key at once."""

    def __init__(self) -> None:
        """Use standard input and output.

        Raises:
            OperatorError: one of them is no terminal.
        """
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise OperatorError(
                "label: labels are what a person says, so this command needs a terminal with "
                "somebody in front of it. Run it there, or label in `evals-mcp view`."
            )

    def __enter__(self) -> Self:
        """Give each key at once, and show none that is typed."""
        if sys.platform != "win32":
            import termios
            import tty

            descriptor = sys.stdin.fileno()
            self._before = termios.tcgetattr(descriptor)
            # Keys that were typed already count.
            tty.setcbreak(descriptor, termios.TCSADRAIN)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the terminal back as it was."""
        if sys.platform != "win32":
            import termios

            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)

    def key(self) -> str:
        """Return the next key; an empty text at the end. Blocks."""
        if sys.platform == "win32":
            import msvcrt

            return msvcrt.getwch()
        return sys.stdin.read(1)

    def show(self, text: str) -> None:
        """Show a text as lines."""
        print(text, flush=True)  # noqa: T201 - a command of the terminal


@dataclass(frozen=True)
class LabelOptions:
    """What the command line says."""

    evaluation_id: str
    plan: SamplePlan
    labeller: str
    """Who labels."""


def label_in_terminal(settings: Settings, options: LabelOptions) -> str:
    """Label rows with the keyboard of this process; see `label`.

    Raises:
        OperatorError: there is no terminal.
        EvalsMCPError: the evaluation cannot be labelled.
    """
    with TerminalKeyboard() as keyboard:
        return anyio.run(label, settings, options, keyboard)


async def label(
    settings: Settings,
    options: LabelOptions,
    keyboard: Keyboard,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Label rows as the user of this machine, until there are none or the user ends it.

    Return how far the labelling is then.

    Raises:
        EvalsMCPError: the evaluation cannot be labelled.
    """

    async def work(session: ToolSession) -> str:
        from evals_mcp.tools.labelling.label_rows import opened_labelling

        if not session.may_write:
            raise InvalidRequestError("label: the settings have server.read_only.")
        async with opened_labelling(session, options.evaluation_id) as labelling:
            sample = await labelling.sample(options.plan)
            return await _Round(labelling, sample, options.labeller, keyboard, clock).run()

    return await as_local_user(settings, work)


async def close_in_terminal(settings: Settings, evaluation_id: str) -> str:
    """Close the samples of an evaluation, whose verdicts are shown then, until the next label.

    Raises:
        EvalsMCPError: the evaluation cannot be labelled.
    """

    async def work(session: ToolSession) -> str:
        from evals_mcp.labels.waiting import close_samples
        from evals_mcp.tools.labelling.label_rows import opened_labelling

        if not session.may_write:
            raise InvalidRequestError("label: the settings have server.read_only.")
        async with opened_labelling(session, evaluation_id) as labelling:
            closed = await close_samples(
                labelling.store, labelling.evaluation, labelling.job, labelling.index
            )
            if not closed:
                return f"No row of {labelling.job.workflow_id} waits for a label."
        return "The sample is closed: every verdict is shown. The next label opens it again."

    return await as_local_user(settings, work)


class _Round:
    """One sitting of a labeller."""

    def __init__(
        self,
        labelling: Labelling,
        sample: LabelSample,
        labeller: str,
        keyboard: Keyboard,
        clock: Callable[[], float],
    ) -> None:
        self._labelling, self._sample = labelling, sample
        self._labeller, self._keyboard, self._clock = labeller, keyboard, clock
        self._done: list[LabelRow] = []

    async def run(self) -> str:
        """Ask for one label after the other, and return how far the labelling is then."""
        page = await self._page()
        self._keyboard.show(_head(page))
        row = page.rows[0] if page.rows else None
        while row is not None:
            self._keyboard.show(_row(row, page))
            started = self._clock()
            action, value = await to_thread.run_sync(self._answer, page)
            if action == QUIT:
                break
            if action == BACK:
                row = self._done.pop() if self._done else row
                continue
            if not await self._stored(row, value, self._clock() - started):
                continue
            self._done.append(row)
            page = await self._page()
            row = page.rows[0] if page.rows else None
        return " ".join((await self._page()).sentences)

    async def _page(self) -> LabelsPage:
        return await self._labelling.page(self._sample, self._labeller, 1)

    async def _stored(self, row: LabelRow, value: object, seconds: float) -> bool:
        from evals_mcp.labels.labelling import Said

        try:
            await self._labelling.say(
                self._sample, Said(row.position, value, self._labeller, "terminal", seconds)
            )
        except InvalidRequestError as error:
            self._keyboard.show(str(error))
            return False
        return True

    def _answer(self, page: LabelsPage) -> tuple[str, object]:
        """Return what the labeller does, and with LABEL the label. Blocks."""
        values = {each.keys: each.value for each in page.keys}
        typed = ""
        while True:
            key = self._keyboard.key()
            if key in _END:
                return QUIT, None
            if not typed and key in {SKIP, BACK, QUIT}:
                return key, None
            typed = _typed(typed, key, values)
            if typed in values:
                return LABEL, values[typed]
            if not values and typed[-1:] in _ENTER and typed.strip():
                return LABEL, typed.strip()


def _typed(typed: str, key: str, values: Mapping[str, object]) -> str:
    """Return what is typed so far; empty after a key that begins no label."""
    if key in _ERASE:
        return typed[:-1]
    now = typed + key
    return now if not values or any(keys.startswith(now) for keys in values) else ""


def _head(page: LabelsPage) -> str:
    question = clean(page.question or "", _QUESTION, keep_lines=True)
    asked = ["The judge was asked:", *_indented(question), ""] if question else []
    head = f"{page.evaluation_id}: a {page.plan} sample; you label as {page.labeller}."
    return "\n".join([f"{head} The judge's verdicts are hidden.", *asked])


def _row(row: LabelRow, page: LabelsPage) -> str:
    lines = ["", f"Row {row.row}. {' '.join(page.sentences)}"]
    for each in row.texts:
        lines += [f"{each.heading}:", *_indented(clean(each.text, _TEXT, keep_lines=True))]
    labels = "  ".join(f"[{each.keys}] {each.name}" for each in page.keys)
    return "\n".join([*lines, f"{labels or _number(page)}  [s] skip  [b] back  [q] end"])


def _number(page: LabelsPage) -> str:
    scale = "" if page.low is None or page.high is None else f" {page.low:g} to {page.high:g}"
    return f"Type the label{scale}, then Enter."


def _indented(text: str) -> Sequence[str]:
    return [f"  {line}" for line in text.splitlines()]
