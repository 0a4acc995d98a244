"""Labelling: shows the rows of a sample without verdicts, and stores what is said of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, cast

from anyio import to_thread

from evals_mcp.cleaning import clean, clean_whole, quoted
from evals_mcp.errors import InvalidRequestError
from evals_mcp.labels.column import label_reader
from evals_mcp.labels.counting import FIGURES_AT, Progress, progress_of
from evals_mcp.labels.keys import FIRST, SECOND, TIE, label_keys
from evals_mcp.labels.sample import LabelSample, SamplePlan, SampleRequest, new_sample, short_name
from evals_mcp.labels.stored_label import StoredLabel
from evals_mcp.labels.waiting import is_hidden
from evals_mcp.marks.subjects import Subjects, subjects_of
from evals_mcp.results.calibration.labels import LabelSource, LabelValue
from evals_mcp.results.subjects import data_set_of
from evals_mcp.results.types.columns import columns_of
from evals_mcp.results.types.marking import CHOICES
from evals_mcp.results.types.table import type_spec
from evals_schemas.datasets.cells import cell_text
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.labelling.page import LabelRole, LabelRow, LabelsPage, LabelText

if TYPE_CHECKING:
    from evals_mcp.labels.store import LabelStore
    from evals_mcp.result_files.index import ResultIndex

LABELLER = "labeller 1"
"""The name of a labeller who gives none."""

LABELLER_CHARS = 60
MOST_CHARACTERS = 20_000
MOST_SECONDS = 3_600.0
"""Longest time for one label that is believed; after it the labeller was elsewhere."""

_QUESTION = 4_000
_NAME = 80
_LABELS_SHOWN = 20


@dataclass(frozen=True)
class Said:
    """What a labeller says of one row."""

    position: int
    """The rank of the row in the order of the sample."""
    value: object
    """A label as it is shown or typed; None skips the row."""
    labeller: str
    source: LabelSource
    seconds: float | None = None
    """Time that the labeller took; None if unknown."""


@dataclass(frozen=True)
class Labelling:
    """The labelling of one evaluation by one principal."""

    store: LabelStore
    evaluation: str
    """The account and the own id of the evaluation."""
    job: EvaluationJob
    index: ResultIndex

    async def sample(self, plan: SamplePlan) -> LabelSample:
        """Return the stored sample of a plan; the first call draws and stores it.

        Raises:
            InvalidRequestError: no row can be drawn.
            StateError: the state cannot be used.
        """
        for sample in await self.store.samples(self.subjects.verdicts):
            if sample.evaluation == self.evaluation and sample.plan == plan:
                return sample
        data = data_set_of(self.job.parameters) or self.evaluation
        request = SampleRequest(
            self.store.principal_id, self.evaluation, data, plan, self.store.now()
        )
        sample = await to_thread.run_sync(new_sample, self.index, self.subjects, request)
        return await self.store.first_sample(self.subjects.verdicts, sample)

    async def page(self, sample: LabelSample, labeller: str, rows: int) -> LabelsPage:
        """Return the next rows of a labeller, without verdicts, and how far the labelling is."""
        by_subject = await self.store.all_of(self.subjects.verdicts)
        column = await self.store.column(self.evaluation)
        hidden = column.name if column else None
        by_name = {short_name(subject): labels for subject, labels in by_subject.items()}
        said = [
            next((each for each in by_name.get(name, ()) if each.labeller == labeller), None)
            for name in sample.names
        ]
        upcoming = [n for n, label in enumerate(said, 1) if label is None][:rows]
        shown = await to_thread.run_sync(
            lambda: [self._shown(sample, position, hidden) for position in upcoming]
        )
        labelled = sum(label is not None and label.value is not None for label in said)
        skipped = sum(label is not None and label.value is None for label in said)
        progress = progress_of(sample, by_subject)
        counted = progress.done - progress.skipped
        scale = self._marking.scale(self.job.parameters)
        page = LabelsPage(
            evaluation_id=self.job.workflow_id,
            plan=sample.plan,
            seed=sample.seed,
            labeller=labeller,
            question=self._question(),
            keys=list(label_keys(self._marking, self.job.parameters)),
            low=scale[0] if scale else None,
            high=scale[1] if scale else None,
            total=len(sample.rows),
            labelled=labelled,
            skipped=skipped,
            others={name: n for name, n in progress.labels.items() if name != labeller},
            both=progress.both,
            next_figures=next((n for n in FIGURES_AT if n > counted), None),
            rows=shown,
            sentences=[],
        )
        page.sentences = list(_sentences(page, progress))
        return page

    async def say(self, sample: LabelSample, said: Said) -> None:
        """Store what a labeller says of a row of a sample.

        Raises:
            InvalidRequestError: the sample has no such row, or it can have no such label.
            StateError: the state cannot be used.
        """
        if not 1 <= said.position <= len(sample.rows):
            raise InvalidRequestError(
                f"Nothing was labelled: the sample has the positions 1 to {len(sample.rows)}."
            )
        row = sample.rows[said.position - 1]
        subject = await to_thread.run_sync(self._subject, row)
        if short_name(subject) != sample.names[said.position - 1]:
            raise InvalidRequestError(
                f"Nothing was labelled: row {row} is not as it was when the sample was drawn."
            )
        labeller = checked_labeller(said.labeller)
        label = StoredLabel(
            value=None if said.value is None else self._value(sample, row, said.value),
            labeller=labeller,
            source=said.source,
            at=self.store.now(),
            seconds=_seconds(said.seconds),
            evaluation=self.evaluation,
            row=row,
            question=self.subjects.question,
            sample=sample.id,
            position=said.position,
            blind=await self._is_blind(subject, labeller),
        )
        await self.store.add(subject, label)

    async def _is_blind(self, subject: str, labeller: str) -> bool:
        """Return whether the verdict on an answer is hidden until this labeller has said something.

        After the first label it is shown, so that a second labeller may have seen it. Who goes back
        to a row has labelled it before.
        """
        by_subject = await self.store.all_of(self.subjects.verdicts)
        earlier = by_subject.get(subject, ())
        own = next((label for label in earlier if label.labeller == labeller), None)
        if own is not None or not earlier:
            return own is None or own.blind
        samples = await self.store.samples(self.subjects.verdicts)
        return is_hidden(subject, samples, by_subject)

    @cached_property
    def subjects(self) -> Subjects:
        """What the verdicts of the evaluation are about."""
        return subjects_of(self.job)

    @property
    def _marking(self) -> Any:
        return type_spec(self.job.type).marking

    def _subject(self, row: int) -> str:
        (entry,) = self.index.by_number([row])
        return self.subjects.of(self.index.read(entry))

    def _shown(self, sample: LabelSample, position: int, hidden: str | None) -> LabelRow:
        """Return a row without its verdict, without the reasons, and without a column of labels."""
        number = sample.rows[position - 1]
        (entry,) = self.index.by_number([number])
        row, roles = self.index.read(entry), columns_of(self.job, self.index.columns)
        shown = {name: role for name, role in roles.items() if name != hidden}
        texts, cut = list[LabelText](), False
        for name, role in _in_shown_order(shown, swapped=is_swapped(sample.seed, number)):
            if (cell := row.get(name)) is None:
                continue
            text, was_cut = clean_whole(cell_text(cell), MOST_CHARACTERS)
            cut |= was_cut
            label = clean(name, _NAME) if role in {"input", "answer"} else ""
            texts.append(LabelText(name=label, role=role, text=text))
        return LabelRow(position=position, row=number, texts=texts, cut=cut)

    def _question(self) -> str | None:
        judge: object = self.job.parameters.get("judge")
        template = cast("Mapping[str, object]", judge).get("system_template") if judge else None
        return clean_whole(template, _QUESTION)[0] if isinstance(template, str) else None

    def _value(self, sample: LabelSample, row: int, said: object) -> LabelValue:
        """Return a label from what was shown or typed, with the order of two answers undone."""
        marking, parameters = self._marking, self.job.parameters
        if marking is CHOICES:
            sides = ("B", "A") if is_swapped(sample.seed, row) else ("A", "B")
            value = {FIRST: sides[0], SECOND: sides[1], TIE: "Tie"}.get(str(said).lower())
            possible = f"Say {FIRST}, {SECOND} or {TIE}."
        else:
            value = label_reader(marking, parameters)(said)
            possible = _possible(marking.names(parameters), marking.scale(parameters))
        if value is None:
            raise InvalidRequestError(
                f"Nothing was labelled: {quoted(str(said), 60)} is no label of this evaluation. "
                f"{possible}"
            )
        return value


def is_swapped(seed: int, row: int) -> bool:
    """Return whether answer B of a row is shown first."""
    return bool(blake2b(f"{seed} {row}".encode(), digest_size=1).digest()[0] & 1)


def checked_labeller(name: str) -> str:
    """Return the name of a labeller as one line without invisible characters.

    Raises:
        InvalidRequestError: nothing of it can be seen.
    """
    shown = clean(name, LABELLER_CHARS)
    if not shown:
        raise InvalidRequestError("The name of a labeller has to be a text that can be seen.")
    return shown


def _in_shown_order(roles: Mapping[str, str], *, swapped: bool) -> Iterator[tuple[str, LabelRole]]:
    """Yield inputs, then the answers; of two answers the one that is shown first."""
    for kind in ("input", "answer"):
        for name, role in roles.items():
            if role == kind:
                yield name, cast("LabelRole", kind)
    sides = [(role, name) for name, role in roles.items() if role in {"answer_a", "answer_b"}]
    names = [name for _, name in sorted(sides, reverse=swapped)]
    shown: tuple[LabelRole, LabelRole] = ("first", "second")
    yield from zip(names, shown, strict=False)


def _sentences(page: LabelsPage, progress: Progress) -> Iterator[str]:
    counted = progress.done - progress.skipped
    skips = f", {page.skipped} skipped" if page.skipped else ""
    yield f"{page.labelled} of {page.total} rows labelled{skips}."
    if page.next_figures is not None and page.next_figures <= page.total:
        yield f"Figures come at {page.next_figures} labels; {counted} count so far."
    if page.both:
        yield f"{page.both} rows have labels of two labellers."
        if page.both >= FIGURES_AT[0]:
            yield f"On {progress.equal} of them the labellers agree."


def _possible(names: Sequence[str], scale: tuple[float, float] | None) -> str:
    if names:
        more = f" and {len(names) - _LABELS_SHOWN} more" if len(names) > _LABELS_SHOWN else ""
        listed = ", ".join(quoted(name, 60) for name in names[:_LABELS_SHOWN])
        return f"Its labels are {listed}{more}."
    return f"Give a number{f' from {scale[0]:g} to {scale[1]:g}' if scale else ''}."


def _seconds(seconds: float | None) -> float | None:
    if seconds is None or not 0 <= seconds <= MOST_SECONDS:
        return None
    return round(seconds, 1)
