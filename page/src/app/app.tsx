// The page in a conversation: what a tool answered, as a card.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Comparison } from "../comparison";
import { Evaluation } from "../evaluation";
import { Labelling } from "../labels";
import { Failure, Head, Waiting } from "../parts";
import { PlaceOf, type Place } from "../place";
import type { CompareEvaluationsOutput, ComparisonPage, CreateEvaluationOutput, EvaluationPage, GetEvaluationOutput } from "../shapes";
import type { Plan, Source } from "../source";
import { Host, type HostContext, type ToolResult } from "./host";
import { PlanCard } from "./plan";
import { AppSource, structured } from "./source";

type Shown =
  | { kind: "created"; created: CreateEvaluationOutput }
  | { kind: "evaluation"; id: string; answer?: GetEvaluationOutput }
  | { kind: "several"; answer: GetEvaluationOutput }
  | { kind: "comparison"; a: string; b: string; answer?: CompareEvaluationsOutput };

interface State {
  input?: Record<string, unknown>;
  shown?: Shown;
  failed?: string;
  cancelled?: boolean;
  context: HostContext;
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** Which tool an answer is of. Not every conversation says, so its form does. */
function recognised(data: Record<string, any>): Shown | undefined {
  if (isText(data.outcome) && isText(data.type)) return { kind: "created", created: data as CreateEvaluationOutput };
  if (isText(data.evaluation_id_a) && isText(data.evaluation_id_b) && data.rows) return { kind: "comparison", a: data.evaluation_id_a, b: data.evaluation_id_b, answer: data as CompareEvaluationsOutput };
  if (!isText(data.evaluation_id) || !isText(data.status)) return undefined;
  const answer = data as GetEvaluationOutput;
  return answer.evaluations ? { kind: "several", answer } : { kind: "evaluation", id: data.evaluation_id, answer };
}

/** What was asked for, where a conversation that was opened again has no answer any more. */
function askedFor(input: Record<string, unknown> = {}): Shown | undefined {
  const { evaluation_id: id, evaluation_id_a: a, evaluation_id_b: b } = input;
  if (isText(a) && isText(b)) return { kind: "comparison", a, b };
  return isText(id) && !id.includes(",") ? { kind: "evaluation", id } : undefined;
}

const ofAnswer = (answer: GetEvaluationOutput): EvaluationPage => ({ answer, shares: [], shares_total: 0, outside: 0, filters: [], by_columns: [], settings: [], may_stop: false });
const ofComparison = (answer: CompareEvaluationsOutput): ComparisonPage => ({ answer, names: ["", ""], by_columns: [], settings: [] });

/** Reads one part of the page, now and whenever its key changes; what is there stays meanwhile. */
function useData<T>(key: string, first: T | undefined, read: (() => Promise<T>) | undefined): [T | undefined, string | undefined] {
  const [data, setData] = useState(first);
  const [failed, setFailed] = useState<string>();
  useEffect(() => {
    if (!read) return;
    let here = true;
    setFailed(undefined);
    read().then((next) => here && setData(next), (error) => here && setFailed((error as Error).message));
    return () => { here = false; };
  }, [key]);
  return [data, failed];
}

function EvaluationCard({ id, answer, source, figures }: { id: string; answer?: GetEvaluationOutput; source?: AppSource; figures?: { by?: unknown } }) {
  const [by, setBy] = useState(isText(figures?.by) ? figures.by : undefined);
  const [turn, setTurn] = useState(0);
  const [plan, setPlan] = useState<Plan>();
  const [page, failed] = useData(`${by} ${turn}`, answer && ofAnswer(answer), source && (() => source.evaluation(id, by)));
  if (!page) return failed ? <Failure text={failed} /> : <Waiting text={`Reading ${id}…`} />;
  const again = () => {
    source!.tell(`${id} has ended; get_evaluation has its results.`);
    setTurn(turn + 1);
  };
  const labelled = () => {
    source!.tell(`The user was labelling rows of ${id} on the page; get_evaluation says what the labels tell.`);
    setPlan(undefined);
    setTurn(turn + 1);
  };
  if (plan && source) return <><nav><button type="button" class="back" onClick={labelled}>← The results</button></nav><Labelling id={id} source={source} plan={plan} key={plan} /></>;
  return (
    <>
      {failed && <Failure text={failed} />}
      <Evaluation key={`${page.answer.status} ${!!page.default_query}`} page={page} source={source ?? NOTHING} by={by} setBy={source && setBy} again={again} label={source && setPlan} />
    </>
  );
}

function ComparisonCard({ a, b, answer, source, figures }: { a: string; b: string; answer?: CompareEvaluationsOutput; source?: AppSource; figures?: { by?: unknown } }) {
  const [by, setBy] = useState(isText(figures?.by) ? figures.by : undefined);
  const [page, failed] = useData(`${by}`, answer && ofComparison(answer), source && (() => source.comparison(a, b, by)));
  if (!page) return failed ? <Failure text={failed} /> : <Waiting text="Comparing…" />;
  return <>{failed && <Failure text={failed} />}<Comparison page={page} source={source ?? NOTHING} by={by} setBy={setBy} /></>;
}

/** A conversation that passes no calls on: the answer is all there is. */
const NOTHING: Source = { kind: "app" } as Source;

/** Several evaluations: a line for each, of which one is opened. */
function Several({ kind, lines, open }: { kind: string; lines: Record<string, any>[]; open?(id: string): void }) {
  return (
    <article>
      <Head kind={kind} headline={`${lines.length} evaluations`} facts={[]} />
      <ul class="evaluations">
        {lines.map((line, k) => {
          const id = isText(line.evaluation_id) ? line.evaluation_id : undefined;
          const text = [line.headline, line.error, line.status, line.outcome].find(isText) ?? "No figures.";
          const inner = <><span class="eyebrow">{isText(line.name) && <b class="named"><bdi>{line.name}</bdi></b>}{id && <code>{id}</code>}</span><span class="said" dir="auto">{text}</span></>;
          return <li key={id ?? k}>{id && open ? <button type="button" class="evaluation" onClick={() => open(id)}>{inner}</button> : <div class="evaluation">{inner}</div>}</li>;
        })}
      </ul>
    </article>
  );
}

function Card({ state, source, started }: { state: State; source?: AppSource; started(next: CreateEvaluationOutput): void }) {
  const { shown, input } = state;
  const [opened, setOpened] = useState<string>();
  if (state.failed) return <Failure text={state.failed} />;
  if (state.cancelled) return <p class="note">The call was cancelled, so there is nothing to show.</p>;
  if (!shown) return <Waiting text={waiting(input)} />;
  if (opened) return <><nav><button type="button" class="back" onClick={() => setOpened(undefined)}>← All of them</button></nav><EvaluationCard id={opened} key={opened} source={source} /></>;
  const open = source && setOpened;
  switch (shown.kind) {
    case "comparison": return <ComparisonCard {...shown} source={source} figures={input} />;
    case "several": return <Several kind="side by side" lines={shown.answer.evaluations!} open={open} />;
    case "evaluation": return <EvaluationCard {...shown} source={source} figures={input} key={shown.id} />;
    case "created": {
      const { created } = shown, id = created.evaluation_id;
      if (id) return source ? <EvaluationCard id={id} source={source} key={id} /> : <Started created={created} />;
      if (created.metrics?.some((line) => line.evaluation_id)) return <Several kind={created.type} lines={created.metrics} open={open} />;
      return <PlanCard created={created} input={input} source={source} started={started} key={created.confirm ?? created.outcome} />;
    }
  }
}

function Started({ created }: { created: CreateEvaluationOutput }) {
  return (
    <article>
      <Head kind={created.type} headline={created.headline ?? (created.outcome === "exists" ? "It was started before" : "It was started")} facts={[{ text: created.status }, { text: created.evaluation_id, code: true }]} />
      <p class="note">Ask in the conversation how far it is.</p>
    </article>
  );
}

function waiting(input: Record<string, unknown> = {}): string {
  if (isText(input.evaluation_id)) return `Reading ${input.evaluation_id}…`;
  return isText(input.evaluation_id_a) ? "Comparing…" : isText(input.type) ? "Planning…" : "Reading…";
}

/** The look of the conversation. A scheme on the root would give the frame an opaque backdrop. */
function dress(context: HostContext): void {
  const html = document.documentElement;
  if (context.theme === "light" || context.theme === "dark") {
    html.dataset.theme = context.theme;
    document.body.style.colorScheme = context.theme;
  }
  for (const [name, value] of Object.entries(context.styles?.variables ?? {}))
    if (name.startsWith("--") && typeof value === "string") html.style.setProperty(name, value);
  const inset = context.safeAreaInsets;
  if (inset) document.body.style.padding = `${inset.top}px ${inset.right}px ${inset.bottom}px ${inset.left}px`;
  html.dataset.mode = context.displayMode === "fullscreen" ? "fullscreen" : "card";
}

export function showApp(root: HTMLElement): void {
  let state: State = { context: {} };
  let source: AppSource | undefined;
  const set = (change: Partial<State>) => {
    state = { ...state, ...change };
    render(<PlaceOf value={place()}><Card state={state} source={source} started={(created) => set({ shown: { kind: "created", created } })} /></PlaceOf>, root);
  };
  const host = new Host({
    input: (input) => { if (!state.shown) set({ input }); else state.input = input; },
    result(result: ToolResult) {
      try {
        const data = structured(result), shown = data ? recognised(data) : source && askedFor(state.input);
        const none = data ? "The page has no view of this answer." : "This conversation no longer has the answer. Ask for the evaluation again.";
        source = sourceNow();
        set(shown ? { shown, failed: undefined, cancelled: false } : { failed: none });
      } catch (error) { set({ failed: (error as Error).message }); }
    },
    cancelled: () => set({ cancelled: true }),
    context: (context) => { dress(context); set({ context }); },
    teardown: () => { observer.disconnect(); render(null, root); },
  });
  const sourceNow = () => {
    const { by, cluster_column, key } = (state.input ?? {}) as Record<string, string | undefined>;
    return host.capabilities.serverTools ? new AppSource(host, { by, cluster_column, key }) : undefined;
  };
  const place = (): Place => {
    const { displayMode, availableDisplayModes } = state.context, full = displayMode === "fullscreen";
    const grow = () => { host.request("ui/request-display-mode", { mode: "fullscreen" }).then(({ mode }) => set({ context: (host.context = { ...host.context, displayMode: mode }) }), () => {}); };
    return {
      card: !full,
      grow: !full && availableDisplayModes?.includes("fullscreen") ? grow : undefined,
      ask: host.capabilities.message && (async (text) => { await host.request("ui/message", { role: "user", content: [{ type: "text", text }] }); }),
    };
  };
  const observer = new ResizeObserver(() => host.size(Math.ceil(root.getBoundingClientRect().height)));
  observer.observe(root);
  set({});
  host.connect().then(() => { source = sourceNow(); set({}); }, (error) => set({ failed: (error as Error).message }));
}
