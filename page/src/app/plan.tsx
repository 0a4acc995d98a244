// What a create would do. Where it wants a yes, the click of the person who reads this gives it.

import { useState } from "preact/hooks";
import { count, counted, duration } from "../format";
import { Failure, Head } from "../parts";
import type { CreateEvaluationOutput, Range } from "../shapes";
import type { AppSource } from "./source";

const TITLES: Record<string, string> = {
  plan: "This is a plan: nothing has started.",
  confirm: "Nothing has started: it needs your agreement.",
  declined: "You declined it: nothing was started.",
};
const KINDS: Record<string, string> = { plan: "plan", confirm: "to confirm", declined: "declined" };

/** An amount with enough digits to tell it from nothing. */
const usd = (value: number) => (value === 0 ? "$0" : value < 0.01 ? `$${Number(value.toPrecision(1))}` : `$${value.toFixed(2)}`);
const cost = ({ low, high }: Range) => (usd(low) === usd(high) ? usd(high) : `${usd(low)}–${usd(high)}`);

/** What would be judged, and by which models. */
function what({ plan }: CreateEvaluationOutput, input: Record<string, unknown> = {}): { text: string }[] {
  const judged = ["response_column", "response_column_a", "response_column_b", "benchmark_id"].map((name) => input[name]).filter((value) => typeof value === "string");
  return [...judged.map((text) => ({ text: text as string })), ...(plan?.models ?? []).map(({ role, model }) => ({ text: role === "judge" ? `judge ${model}` : model }))];
}

export function PlanCard({ created, input, source, started }: {
  created: CreateEvaluationOutput; input?: Record<string, unknown>; source?: AppSource; started(next: CreateEvaluationOutput): void;
}) {
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string>();
  const { plan, calls, outcome } = created, price = created.cost_usd;
  const problems = plan?.problems ?? [], warnings = [...new Set([...created.warnings, ...(plan?.warnings ?? [])])];
  const wanted = outcome === "plan" ? !problems.length : outcome === "confirm" && !!created.confirm;
  const can = wanted && !!input && !!source;
  const start = async () => {
    setBusy(true);
    setFailed(undefined);
    const { dry_run: _, confirm: __, ...args } = input!;
    try { started(await source!.start(created.confirm ? { ...args, confirm: created.confirm } : args)); } catch (error) { setFailed((error as Error).message); }
    setBusy(false);
  };
  return (
    <article>
      <Head kind={created.type} headline={problems.length ? "A start would be refused" : (TITLES[outcome] ?? outcome)} facts={[{ text: KINDS[outcome] }, ...what(created, input), { text: created.provider }, !!created.name && { text: created.name }]} />
      <dl class="facts">
        {plan?.rows != null && <div><dt>rows</dt><dd>{count(plan.rows)}</dd></div>}
        <div><dt>model calls</dt><dd>{calls == null ? "unknown" : count(calls)}</dd></div>
        {plan?.input_tokens != null && <div><dt>tokens in, out, about</dt><dd>{count(plan.input_tokens)}<span>, {count(plan.output_tokens ?? 0)}</span></dd></div>}
        <div><dt>cost, about</dt><dd>{price ? cost(price) : calls === 0 ? "free" : "price unknown"}</dd></div>
        {plan?.duration_seconds && <div><dt>takes, about</dt><dd>{duration(plan.duration_seconds.high)}</dd></div>}
      </dl>
      {[...problems, ...warnings].map((text) => <p class="warning" key={text} dir="auto">{text}</p>)}
      {created.metrics?.map((line) => <p class="note" key={String(line.name)}><b><bdi>{String(line.name)}</bdi></b>{line.calls != null && `, ${counted(Number(line.calls), "call")}`}{line.error && `: ${String(line.error)}`}</p>)}
      {plan?.first_row.map((each) => <div class="said tone-plain first" key={each.template}><h2>{each.template}, first row</h2><p dir="auto">{each.text}</p></div>)}
      {plan?.power && <p class="note">{plan.power.sentence}</p>}
      {plan?.notes.map((text) => <p class="note" key={text} dir="auto">{text}</p>)}
      {failed && <Failure text={failed} />}
      {can && (
        <p class="actions">
          <button type="button" class="primary" disabled={busy} onClick={start}>{busy ? "Starting…" : `Start${calls ? `: ${counted(calls, "call")}` : ""}${price ? `, up to ${usd(price.high)}` : ""}`}</button>
        </p>
      )}
      {wanted && !can && <p class="note">To start it, say so in the conversation.</p>}
      {outcome === "declined" && <p class="note">If you change your mind, say so in the conversation.</p>}
    </article>
  );
}
