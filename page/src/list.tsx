// The newest evaluations, of which one is opened or two are compared.

import { useEffect, useState } from "preact/hooks";
import { Failure, Waiting } from "./parts";
import type { EvaluationLine, ListPage } from "./shapes";
import type { Source } from "./source";
import { ENDED, stateName, when } from "./evaluation";

const AGAIN_SECONDS = 5;

export function List({ source, open, compare }: { source: Source; open(id: string): void; compare(a: string, b: string): void }) {
  const [pages, setPages] = useState<ListPage[]>();
  const [failed, setFailed] = useState<string>();
  const [chosen, setChosen] = useState<string[]>([]);
  const lines = pages?.flatMap((page) => page.answer.evaluations);
  const read = (cursor?: string) =>
    source.list!(cursor).then(
      (page) => { setFailed(undefined); setPages((before) => (cursor ? [...(before ?? []), page] : [page])); },
      (error) => setFailed((error as Error).message),
    );
  useEffect(() => { void read(); }, []);
  const runs = lines?.some((line) => !ENDED.has(line.status)), first = pages?.length === 1;
  useEffect(() => {
    if (!runs || !first || failed) return;
    const timer = setInterval(() => { if (!document.hidden) void read(); }, AGAIN_SECONDS * 1000);
    return () => clearInterval(timer);
  }, [runs, first, failed]);

  const last = pages?.at(-1)?.answer;
  const toggle = (id: string) => setChosen((before) => (before.includes(id) ? before.filter((each) => each !== id) : [...before, id].slice(-2)));
  return (
    <article>
      <header><h1>Evaluations</h1></header>
      {failed && <Failure text={failed} />}
      {!lines && !failed && <Waiting text="Reading the evaluations…" />}
      {lines && !lines.length && <p class="note">There are no evaluations yet.</p>}
      {lines && lines.length > 1 && (
        <p class="choose">
          <button type="button" class="primary" disabled={chosen.length !== 2} onClick={() => compare(chosen[0]!, chosen[1]!)}>Compare</button>
          <span class="quiet" role="status">{chosen.length === 2 ? "The first chosen is A, the second is B." : "Choose two of one type to compare them."}</span>
        </p>
      )}
      <ul class="evaluations">
        {lines?.map((line) => <Line key={line.evaluation_id} line={line} open={open} side={["A", "B"][chosen.indexOf(line.evaluation_id)]} toggle={lines.length > 1 ? toggle : undefined} />)}
      </ul>
      {last?.note && <p class="note">{last.note}</p>}
      {last?.next_cursor && <button type="button" class="more" onClick={() => void read(last.next_cursor)}>Show more</button>}
    </article>
  );
}

function Line({ line, open, side, toggle }: { line: EvaluationLine; open(id: string): void; side?: string; toggle?(id: string): void }) {
  const id = line.evaluation_id, ended = ENDED.has(line.status);
  return (
    <li>
      {toggle && <label class="tick"><input type="checkbox" checked={!!side} disabled={!ended} onChange={() => toggle(id)} /><span class="hidden">Compare {id}</span><span aria-hidden="true">{side}</span></label>}
      <button type="button" class="evaluation" onClick={() => open(id)}>
        <span class="eyebrow">{line.name && <b class="named"><bdi>{line.name}</bdi></b>}<b>{line.type ?? "evaluation"}</b>{line.status !== "completed" && <span class={ended ? "" : "live"}>{stateName(line.status)}</span>}{line.judged && <span><bdi>{line.judged}</bdi></span>}{line.judge && <span>judge <bdi>{line.judge}</bdi></span>}{line.created_at && <span>{when(line.created_at)}</span>}<code>{id}</code></span>
        <span class="said" dir="auto">{line.headline ?? line.error ?? (ended ? "No figures." : "Running.")}</span>
      </button>
    </li>
  );
}
