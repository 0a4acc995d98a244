// One evaluation: running, or with its results and rows.

import { useEffect, useState } from "preact/hooks";
import { CalibrationPanel } from "./calibration";
import { counted, duration } from "./format";
import { MarksPanel } from "./marks";
import { Ask, ByColumn, Failure, Head, Settings, Waiting } from "./parts";
import { usePlace } from "./place";
import { Results } from "./results";
import { Rows } from "./rows";
import { Running } from "./running";
import type { EvaluationPage, RowQuery } from "./shapes";
import type { Plan, Source } from "./source";

export const ENDED = new Set(["completed", "error", "user_error", "cancelled"]);
export const stateName = (status: string) => (status === "user_error" ? "stopped" : status);
export const when = (time: string) => {
  const date = new Date(time);
  return Number.isNaN(+date) ? undefined : date.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
};

/** An evaluation by its id, read again when it ends or when another column is chosen. */
export function EvaluationById({ id, source, label }: { id: string; source: Source; label?(plan: Plan): void }) {
  const [page, setPage] = useState<EvaluationPage>();
  const [by, setBy] = useState<string>();
  const [turn, setTurn] = useState(0);
  const [failed, setFailed] = useState<string>();
  useEffect(() => {
    let here = true;
    setFailed(undefined);
    source.evaluation(id, by).then((next) => here && setPage(next), (error) => here && setFailed((error as Error).message));
    return () => { here = false; };
  }, [id, by, turn]);
  if (failed && !page) return <Failure text={failed} />;
  if (!page) return <Waiting text={`Reading ${id}…`} />;
  return (
    <>
      {failed && <Failure text={failed} />}
      <Evaluation key={`${id}-${page.answer.status}`} page={page} source={source} by={by} setBy={setBy} again={() => setTurn(turn + 1)} label={label} />
    </>
  );
}

export function Evaluation({ page, source, by, setBy, again, label, children }: {
  page: EvaluationPage; source: Source; by?: string; setBy?(column?: string): void; again?(): void; label?(plan: Plan): void; children?: any;
}) {
  const { answer } = page, found = answer.summary;
  const runs = !ENDED.has(answer.status) && !!source.status;
  const [status, setStatus] = useState(answer.status);
  const [query, setQuery] = useState<Partial<RowQuery>>(page.default_query ?? {});
  const [marks, setMarks] = useState(page.marks);
  const has = !!page.default_query && !!source;
  const { card } = usePlace();
  const [unfolded, setUnfolded] = useState(false);
  const open = !card || unfolded;
  const pick = has ? (next: Partial<RowQuery>) => { setUnfolded(true); setQuery((before) => (JSON.stringify(before) === JSON.stringify(next) ? page.default_query! : next)); } : undefined;
  const unit = answer.progress?.unit ?? "row";
  return (
    <article>
      <Head kind={answer.type ?? "evaluation"} headline={found?.headline ?? (runs ? title(page) : (answer.error ?? stateName(answer.status)))} facts={[
        status !== "completed" && { text: stateName(status) },
        answer.progress?.total != null && { text: counted(answer.progress.total, unit.replace(/s$/, "")) },
        !!page.judge && { text: `judge ${page.judge}` },
        !!answer.created_at && { text: when(answer.created_at) },
        !runs && answer.elapsed_seconds != null && { text: duration(answer.elapsed_seconds) },
        !!answer.name && { text: answer.name },
        { text: answer.evaluation_id, code: true },
      ]} />
      {children}
      {answer.error && found && <p class="warning">{answer.error}</p>}
      {!found && answer.error && <p class="note">{answer.next_step}</p>}
      {runs && <Running id={answer.evaluation_id} source={source} ended={() => again?.()} heard={setStatus} />}
      {found?.notes.map((note) => <p class="caveat" key={note}>{note}</p>)}
      {found && <Results page={page} picked={open ? query : {}} pick={pick}>
        {found.calibration && <CalibrationPanel found={found.calibration} pick={source.kind === "report" ? undefined : pick} scale={scaleOf(page)} />}
        {marks && <MarksPanel marks={marks} report={source.kind === "report"} />}
      </Results>}
      {label && source.label && page.marks?.may_mark && (
        <p class="actions">
          <button type="button" onClick={() => label("random")}>Label rows</button>{" "}
          <button type="button" onClick={() => label("balanced")}>Label a balanced sample</button>
        </p>
      )}
      {setBy && <ByColumn columns={page.by_columns} chosen={by} choose={setBy} />}
      {card && (
        <p class="actions">
          {has && !open && <button type="button" class="primary" onClick={() => setUnfolded(true)}>Show rows</button>}
          {!runs && <Ask question={`What do the results of ${answer.evaluation_id} mean, and what should be done next?`}>Ask about the results</Ask>}
        </p>
      )}
      {card && open && page.marks?.may_mark && !source.mark && <p class="note">This conversation cannot pass marks and labels on: mark and label rows in the viewer, `evals-mcp view`.</p>}
      {has && open && <Rows page={page} source={source} query={query} setQuery={setQuery} setMarks={setMarks} />}
      {open && <Settings settings={page.settings} />}
    </article>
  );
}

function scaleOf(page: EvaluationPage): { min: number; max: number } | undefined {
  const { min_score: min, max_score: max } = page.answer.parameters;
  return typeof min === "number" && typeof max === "number" ? { min, max } : undefined;
}

function title(page: EvaluationPage): string {
  const parameters = page.answer.parameters;
  const what = parameters.response_column ?? parameters.model_to_evaluate?.model ?? parameters.model_id;
  return ["Judging", typeof what === "string" && what, page.judge && `with ${page.judge}`].filter(Boolean).join(" ");
}
