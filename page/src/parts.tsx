// Small parts that every view uses.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { usePlace } from "./place";
import type { Setting } from "./shapes";

export function Verdict({ text, passed, problem }: { text?: string; passed?: boolean; problem?: boolean }) {
  const tone = problem ? "none" : passed === true ? "good" : passed === false ? "bad" : text === "A" ? "a" : text === "B" ? "b" : "plain";
  return (
    <span class={`verdict tone-${tone}`}>
      {passed != null && <span aria-hidden="true">{passed ? "✓ " : "✗ "}</span>}
      <bdi>{text || (problem ? "no verdict" : "–")}</bdi>
      {passed != null && <span class="hidden">{passed ? ", pass" : ", fail"}</span>}
    </span>
  );
}

export const Failure = ({ text, children }: { text: string; children?: ComponentChildren }) => (
  <p class="failure" role="alert">{text} {children}</p>
);

export function Panel({ title, note, children, wide }: { title: string; note?: ComponentChildren; children: ComponentChildren; wide?: boolean }) {
  return (
    <section class={wide ? "panel wide" : "panel"}>
      <h2>{title}</h2>
      {children}
      {note && <p class="note">{note}</p>}
    </section>
  );
}

/** The first clause is the title; what limits it follows word for word. */
function split(headline: string): [string, string] {
  const end = /^.{12,}?(?:: | (?=\()|; |\. )/s.exec(headline)?.[0].length;
  if (!end) return [headline.replace(/\.$/, ""), ""];
  const rest = headline.slice(end).replace(/^\(([^()]*)\)(?=[.;])/, "$1");
  return [headline.slice(0, end).replace(/[:;. ]+$/, ""), rest[0]!.toUpperCase() + rest.slice(1)];
}

export interface Fact { text?: string; code?: boolean }

/** What is shown, in one sentence, under a line of facts. */
export function Head({ kind, facts, headline, children }: { kind: string; facts: (Fact | false | undefined)[]; headline: string; children?: ComponentChildren }) {
  const [first, rest] = split(headline), { grow } = usePlace();
  const shown = facts.filter((fact): fact is Fact => !!fact && !!fact.text);
  return (
    <header>
      <p class="eyebrow">
        <b>{kind}</b>
        {shown.map(({ text, code }) => (code ? <code key={text}>{text}</code> : <span key={text}>{text}</span>))}
      </p>
      <h1 dir="auto">{first}</h1>
      {rest && <p class="lead" dir="auto">{rest}</p>}
      {children}
      {grow && <button type="button" class="grow" onClick={grow}>Full screen</button>}
    </header>
  );
}

/** Asks about something in the conversation, where there is one. The question has ids and row numbers only. */
export function Ask({ question, children }: { question: string; children: string }) {
  const { ask } = usePlace();
  const [state, setState] = useState<string>();
  if (!ask) return null;
  const send = () => {
    setState("asked");
    ask(question).catch((error: Error) => setState(`It was not asked: ${error.message}`));
  };
  return (
    <>
      <button type="button" disabled={state === "asked"} onClick={send}>{state === "asked" ? "Asked in the conversation" : children}</button>
      {state && state !== "asked" && <Failure text={state} />}
    </>
  );
}

export function Waiting({ text }: { text: string }) {
  return (
    <div class="waiting" role="status">
      <p class="note">{text}</p>
      <div class="bone" /><div class="bone short" />
    </div>
  );
}

/** The figures by the values of a column, where the data can be asked for them. */
export function ByColumn({ columns, chosen, choose }: { columns: string[]; chosen?: string; choose(column?: string): void }) {
  if (!columns.length) return null;
  return (
    <label class="by">
      Figures by{" "}
      <select value={chosen ?? ""} onChange={(event) => choose(event.currentTarget.value || undefined)}>
        <option value="">no column</option>
        {columns.map((name) => <option value={name} key={name}>{name}</option>)}
      </select>
    </label>
  );
}

/** The parameters, of one evaluation or of two. */
export function Settings({ settings, two }: { settings: Setting[]; two?: boolean }) {
  const [whole, setWhole] = useState(false);
  if (!settings.length) return null;
  const equal = (one: Setting) => one.value === one.value_b;
  const shown = two && !whole ? settings.filter((one) => !equal(one)) : settings;
  const rest = settings.length - shown.length;
  return (
    <section class="settings">
      <h2>{two ? "What differs" : "Parameters"}</h2>
      {two ? (
        shown.length > 0 && (
          <div class="scroll" role="region" aria-label="Parameters of both" tabindex={0}>
            <table class="figures">
              <thead><tr><th scope="col">parameter</th><th scope="col">A</th><th scope="col">B</th></tr></thead>
              <tbody>
                {shown.map((one) => (
                  <tr key={one.name}><th scope="row">{one.name}</th><td dir="auto">{one.value ?? "–"}</td><td dir="auto">{equal(one) ? "the same" : (one.value_b ?? "–")}</td></tr>
                ))}
              </tbody>
            </table>
          </div>
        )
      ) : (
        <dl class="parameters">
          {shown.map((one) => <div key={one.name}><dt>{one.name}</dt><dd dir="auto">{one.value}</dd></div>)}
        </dl>
      )}
      {two && !shown.length && <p class="note">Both have the same parameters.</p>}
      {two && (rest > 0 || whole) && <button type="button" class="more" aria-expanded={whole} onClick={() => setWhole(!whole)}>{whole ? "Show only what differs" : `Show the ${rest} that are the same`}</button>}
    </section>
  );
}
