// The rows behind the figures: some at a time, each with its texts side by side and the judge's
// reasons.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { count, score } from "./format";
import { MarkRow, MarkText, Marked, type Marking } from "./marks";
import { Ask, Failure, Verdict } from "./parts";
import type { EvaluationPage, JudgeReason, MarksPage, PageColumn, PageRow, RowMark, RowQuery, RowsPage } from "./shapes";
import type { Source } from "./source";

type Query = Partial<RowQuery>;

/** Reads one page after the other; a newer question makes older answers void. */
export function usePages<T extends { next_cursor?: string }>(key: string, read: (cursor?: string) => Promise<T>) {
  const [pages, setPages] = useState<T[]>([]);
  const [failed, setFailed] = useState<string>();
  const [busy, setBusy] = useState(true);
  const asked = useRef(0);
  const next = async (cursor?: string) => {
    const mine = ++asked.current;
    setBusy(true);
    setFailed(undefined);
    try {
      const page = await read(cursor);
      if (mine === asked.current) setPages((before) => (cursor ? [...before, page] : [page]));
    } catch (error) {
      if (mine === asked.current) setFailed((error as Error).message);
    }
    if (mine === asked.current) setBusy(false);
  };
  useEffect(() => { void next(); }, [key]);
  const cursor = pages.at(-1)?.next_cursor;
  return { pages, last: pages.at(-1), failed, busy, more: cursor ? () => void next(cursor) : undefined };
}

export function Rows({ page, source, query, setQuery, setMarks }: { page: EvaluationPage; source: Source; query: Query; setQuery(query: Query): void; setMarks(marks: MarksPage): void }) {
  const id = page.answer.evaluation_id;
  const [text, setText] = useState("");
  const searched = useSettled(text.trim());
  const asked: Query = searched ? { ...query, text: searched } : query;
  const { pages, last, failed, busy, more } = usePages<RowsPage>(JSON.stringify(asked), (cursor) => source.rows(id, asked, cursor));
  const rows = pages.flatMap((each) => each.rows);
  // What was said since the rows were read; null takes a mark back.
  const [said, setSaid] = useState<Record<number, RowMark | null>>({});
  const marking: Marking | undefined = page.marks?.may_mark && source.mark ? {
    source, id, may: page.marks, seed: last?.sample_seed,
    marked: (row, mark, marks) => { setSaid((before) => ({ ...before, [row]: mark ?? null })); setMarks(marks); },
  } : undefined;
  const withMark = (row: PageRow): PageRow => (row.row in said ? { ...row, mark: said[row.row] ?? undefined } : row);
  return (
    <section class="rows" aria-busy={busy}>
      <h2>Rows <span class="quiet" role="status">{last && `${count(rows.length)} of ${count(last.matching)} that match`}{last && source.kind === "report" && last.total > 0 && `; ${count(last.total)} in the result file`}</span></h2>
      <div class="tools">
        <Filters page={page} query={query} setQuery={setQuery} />
        <Search text={text} setText={setText} />
      </div>
      {failed && <Failure text={failed} />}
      {query.sample_rows != null && marking && <p class="note sampled">Drawn at random, in this order. Mark one after the other, and “Your marks” says how often you agree, with an interval.</p>}
      <ol class="list">
        {pages.flatMap((each) => each.rows.map((row) => <li key={row.row}><RowItem row={withMark(row)} id={id} columns={each.columns} judge={page.judge} sides={page.sides} marking={marking} report={source.kind === "report"} /></li>))}
      </ol>
      {last && !rows.length && !busy && <p class="note">No row matches.</p>}
      {last?.notes.map((note) => <p class="note" key={note}>{note}</p>)}
      {more && <button type="button" class="more" disabled={busy} onClick={more}>{busy ? "Reading…" : "Show more rows"}</button>}
    </section>
  );
}

export const Search = ({ text, setText }: { text: string; setText(text: string): void }) => (
  <p class="search"><label><span class="hidden">Search</span><input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} placeholder="Search columns and reasons" /></label></p>
);

/** A value that has not changed for a moment. */
export function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), 200);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

function Filters({ page, query, setQuery }: { page: EvaluationPage; query: Query; setQuery(query: Query): void }) {
  const now = JSON.stringify(query);
  const other = !page.filters.some((each) => JSON.stringify(each.query) === now);
  return (
    <div class="filters" role="group" aria-label="Which rows">
      {page.filters.map((each) => (
        <button type="button" key={each.name} aria-pressed={JSON.stringify(each.query) === now} onClick={() => setQuery(each.query)}>{each.name} <span class="quiet">{count(each.count)}</span></button>
      ))}
      {other && (
        <button type="button" aria-pressed="true" onClick={() => setQuery(page.default_query ?? {})}>
          <bdi>{queryText(query, page)}</bdi> <span aria-hidden="true">×</span><span class="hidden">, take away</span>
        </button>
      )}
    </div>
  );
}

function queryText(query: Query, page: EvaluationPage): string {
  if (query.label != null) return `label ${query.label}`;
  if (query.decision) return query.decision === "Tie" ? "tie" : `${query.decision} better`;
  const bin = page.bins?.find((each) => each.query.min_score === query.min_score && each.query.max_score === query.max_score);
  return bin ? `score ${score(bin.low)}–${score(bin.high)}` : (query.show ?? "these");
}

function RowItem({ row, id, columns, judge, sides, marking, report }: { row: PageRow; id: string; columns: PageColumn[]; judge?: string; sides?: [string, string]; marking?: Marking; report: boolean }) {
  const cells = columns.map(({ name, role }, k) => ({ name, role, text: row.texts[k] })).filter((cell) => cell.text != null);
  const given = cells.filter((cell) => cell.role === "input"), answers = cells.filter((cell) => cell.role !== "input");
  const gist = (given.find((cell) => cell.text!.length > 12) ?? given[0] ?? answers[0])?.text;
  const pair = answers.length === 2;
  return (
    <RowDetails number={row.row} verdicts={<Verdict text={verdictText(row)} passed={row.passed} problem={!!row.problem} />} gist={gist!} extra={row.mark && <Marked mark={row.mark} report={report} />}>
      <Fields cells={given.map(({ name, text }) => [name, text!])} />
      <div class={pair ? "pair" : "single"}>
        {answers.map(({ name, role, text }) => (
          <Answer key={name} name={name} text={text!} side={role === "answer_a" ? "A" : role === "answer_b" ? "B" : undefined} model={name.startsWith("MODEL_TO_EVALUATE") ? sides?.[role === "answer_b" ? 1 : 0] : undefined} />
        ))}
      </div>
      <Judged row={row} judge={judge} />
      {marking && row.state === "ok" ? <MarkRow row={row} verdict={row.verdict} marking={marking} /> : row.mark && <MarkText mark={row.mark} />}
      {row.label && <p class="note">{row.label}</p>}
      {row.cut && <p class="note">A text of this row is too long to be shown whole.</p>}
      <Ask question={`Look at row ${row.row} of ${id}: is the verdict right, and why?`}>Ask about this row</Ask>
    </RowDetails>
  );
}

export const verdictText = (row: PageRow) =>
  row.score != null ? score(row.score, 6) : row.verdict;

/** One row that opens; what is inside is made once it does. */
export function RowDetails({ number, verdicts, gist, two, extra, children }: { number: number; verdicts: ComponentChildren; gist?: string; two?: boolean; extra?: ComponentChildren; children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  return (
    <details class={two ? "row two" : "row"} onToggle={(event) => setOpen((event.currentTarget as HTMLDetailsElement).open)}>
      <summary>
        <span class="number">{number}</span>
        <span class="verdicts">{verdicts}</span>
        <span class="gist" dir="auto">{gist?.slice(0, 300)}</span>
        {extra}
      </summary>
      {open && <div class="detail">{children}</div>}
    </details>
  );
}

export const Fields = ({ cells }: { cells: [string, string][] }) =>
  cells.length ? <dl class="fields">{cells.map(([name, text], k) => <div key={k}><dt>{name}</dt><dd dir="auto">{text || <em>empty</em>}</dd></div>)}</dl> : null;

export function Answer({ name, text, side, model }: { name: string; text: string; side?: "A" | "B"; model?: string }) {
  return (
    <div class={`said tone-${side === "A" ? "a" : side === "B" ? "b" : "plain"}`}>
      <h3>{side && <b>{side} </b>}{model ?? name}</h3>
      <p dir="auto">{text || <em>empty</em>}</p>
    </div>
  );
}

export function Judged({ row, judge, side }: { row: PageRow; judge?: string; side?: string }) {
  return (
    <div class="judge">
      <h3>Judge{side && ` of ${side}`}{judge && <>: {judge}</>} <Verdict text={verdictText(row)} passed={row.passed} problem={!!row.problem} /></h3>
      {row.problem && <p class="problem" dir="auto">{row.problem}</p>}
      {row.reasons.length > 1 ? (
        <div class="pair">{row.reasons.map((reason, k) => <Ordered reason={reason} key={k} />)}</div>
      ) : row.reasons[0] ? (
        <p dir="auto">{row.reasons[0].text}</p>
      ) : (
        !row.problem && <p><em>No reason was given.</em></p>
      )}
    </div>
  );
}

/** The reason for one order. In the text of the second one, the first answer is B. */
function Ordered({ reason }: { reason: JudgeReason }) {
  const swapped = reason.order === "B, A";
  return (
    <div>
      <h4>Shown as {reason.order}{reason.choice && ` → ${reason.choice}`}{swapped && reason.text && <span class="quiet"> (here “A” is answer B)</span>}</h4>
      <p dir="auto">{reason.text || <em>No reason was given.</em>}</p>
    </div>
  );
}
