// Labelling: what verdicts should be, one row after the other, by keyboard. No verdict is in view.

import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "./format";
import { Failure, Waiting } from "./parts";
import { Fields } from "./rows";
import type { LabelKey, LabelRow, LabelsPage } from "./shapes";
import type { Plan, Source } from "./source";

const LABELLER = "evals-mcp labeller";
const ROLES: Record<string, string> = { first: "First answer", second: "Second answer" };

/** What stands for the memory of a browser tab where a frame has none. */
let named = "labeller 1";

/** Who labels, as this browser tab remembers it. */
function remembered(): string {
  try { return sessionStorage.getItem(LABELLER) ?? named; } catch { return named; }
}

function remember(name: string): void {
  named = name;
  try { sessionStorage.setItem(LABELLER, name); } catch { /* A frame without an origin has no memory. */ }
}

export function Labelling({ id, source, plan }: { id: string; source: Source; plan: Plan }) {
  const [labeller, setLabeller] = useState(remembered());
  const [page, setPage] = useState<LabelsPage>();
  const [failed, setFailed] = useState<string>();
  const [busy, setBusy] = useState(false);
  /** Rows that were answered, the last one at the end: for going back. */
  const [done, setDone] = useState<LabelRow[]>([]);
  const [again, setAgain] = useState<LabelRow>();
  const [typed, setTyped] = useState("");
  /** Whether the sample was closed here, so that its verdicts are shown elsewhere. */
  const [closed, setClosed] = useState(false);
  const shownAt = useRef(0);
  const ask = async (said: object = {}) => {
    setBusy(true);
    setFailed(undefined);
    try {
      setPage(await source.label!(id, { plan, labeller, ...said }));
      return true;
    } catch (error) {
      setFailed((error as Error).message);
      return false;
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => { setDone([]); setAgain(undefined); setClosed(false); void ask(); }, [id, plan, labeller]);
  const row = again ?? page?.rows[0];
  useEffect(() => { shownAt.current = performance.now(); setTyped(""); }, [row?.position]);
  const say = async (value: string | number | null) => {
    if (!row || busy) return;
    const seconds = (performance.now() - shownAt.current) / 1000;
    if (!(await ask({ position: row.position, value, seconds }))) return;
    setDone((before) => [...before.filter((each) => each.position !== row.position), row]);
    setAgain(undefined);
  };
  const close = async () => { if (!busy && (await ask({ close: true }))) setClosed(true); };
  const back = () => {
    const last = done.at(-1);
    if (last) { setAgain(last); setDone(done.slice(0, -1)); }
  };
  const press = (key: string): boolean => {
    if (!page || !row || closed) return false;
    if (key === "s") return void say(null), true;
    if (key === "b") return back(), true;
    const next = typed + key, exact = page.keys.find((each) => each.keys === next);
    if (exact) return void say(exact.value), true;
    const begins = page.keys.some((each) => each.keys.startsWith(next));
    setTyped(begins ? next : "");
    return begins;
  };
  const pressed = useRef(press);
  pressed.current = press;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || target.closest("input, select, textarea")) return;
      if (pressed.current(event.key)) event.preventDefault();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
  if (!page) return failed ? <Failure text={failed} /> : <Waiting text="Drawing rows…" />;
  return (
    <article class="labelling" aria-busy={busy}>
      <header>
        <p class="eyebrow"><b>Label rows</b><span>{page.plan} sample</span><code>{page.evaluation_id}</code></p>
        <h1>What should the verdict be?</h1>
        <p class="lead">The judge's verdict is hidden, so that your label is your own.</p>
        <Progress page={page} />
        <Who labeller={labeller} change={(name) => { remember(name); setLabeller(name); }} />
      </header>
      {failed && <Failure text={failed} />}
      {page.question && <details class="question"><summary>What the judge was asked</summary><p dir="auto">{page.question}</p></details>}
      {closed ? (
        <p class="note" role="status">The sample is closed, and every verdict is shown. <button type="button" onClick={() => setClosed(false)}>Label on</button></p>
      ) : row ? (
        <>
          <Row row={row} again={!!again} />
          <Keys page={page} typed={typed} say={say} back={done.length ? back : undefined} key={row.position} />
          <p class="note">Had enough? Rows that wait for a label are hidden elsewhere until you close the sample. <button type="button" onClick={close}>Close the sample</button></p>
        </>
      ) : <p class="note" role="status">Every row of the sample is labelled or skipped.</p>}
    </article>
  );
}

const Progress = ({ page }: { page: LabelsPage }) => {
  const goal = page.next_figures ?? page.total;
  return (
    <div class="progress">
      <progress max={Math.min(goal, page.total)} value={page.labelled} aria-label="Labels until figures are shown" />
      <div role="status">{page.sentences.map((each) => <p class="note" key={each}>{each}</p>)}</div>
      {Object.entries(page.others).map(([name, labels]) => <p class="note" key={name}><bdi>{name}</bdi>: {count(labels)} labels</p>)}
    </div>
  );
};

/** A second person labels the same rows under a name of their own. */
function Who({ labeller, change }: { labeller: string; change(name: string): void }) {
  // An answer that comes while somebody types shows the page anew, and must not take the text.
  const [typed, setTyped] = useState<string>();
  const enter = (text: string) => { const name = text.trim(); setTyped(undefined); if (name) change(name); };
  return (
    <label class="by">
      You label as{" "}
      <input type="text" value={typed ?? labeller} maxLength={60} onInput={(event) => setTyped(event.currentTarget.value)} onChange={(event) => enter(event.currentTarget.value)} onKeyDown={(event) => { if (event.key === "Enter") event.currentTarget.blur(); }} />
    </label>
  );
}

function Row({ row, again }: { row: LabelRow; again: boolean }) {
  const given = row.texts.filter((each) => each.role === "input"), answers = row.texts.filter((each) => each.role !== "input");
  return (
    <section class="label-row" aria-label={`Row ${row.row}`}>
      <h2>Row {row.row}{again && <span class="quiet"> again</span>}</h2>
      <Fields cells={given.map(({ name, text }) => [name, text])} />
      <div class={answers.length === 2 ? "pair" : "single"}>
        {answers.map(({ name, role, text }) => (
          <div class="said tone-plain" key={role}><h3>{ROLES[role] ?? name}</h3><p dir="auto">{text || <em>empty</em>}</p></div>
        ))}
      </div>
      {row.cut && <p class="note">A text of this row is too long to be shown whole.</p>}
    </section>
  );
}

function Keys({ page, typed, say, back }: { page: LabelsPage; typed: string; say(value: string | number | null): void; back?(): void }) {
  const [number, setNumber] = useState("");
  return (
    <div class="label-keys" role="group" aria-label="Your label">
      {page.keys.map((each: LabelKey) => (
        <button type="button" key={each.keys} class={typed && each.keys.startsWith(typed) ? "typed" : undefined} onClick={() => say(each.value)}><kbd>{each.keys}</kbd> <bdi>{each.name}</bdi></button>
      ))}
      {!page.keys.length && (
        <form onSubmit={(event) => { event.preventDefault(); if (number.trim()) say(number.trim()); }}>
          <label>Your label <input type="text" inputMode={page.low == null ? "text" : "decimal"} value={number} ref={(input) => input?.focus()} onInput={(event) => setNumber(event.currentTarget.value)} /></label>
          <button type="submit">Enter</button>
        </form>
      )}
      <button type="button" onClick={() => say(null)}><kbd>s</kbd> skip</button>
      {back && <button type="button" onClick={back}><kbd>b</kbd> back</button>}
    </div>
  );
}
