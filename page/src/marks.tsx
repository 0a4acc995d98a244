// What a person says about verdicts: right, wrong or unsure, and what a wrong one should be.

import { useState } from "preact/hooks";
import { RATE, Whiskers } from "./charts";
import { score } from "./format";
import { Failure, Panel } from "./parts";
import { method, note, whisker } from "./results";
import type { MarksPage, PageRow, RowMark } from "./shapes";
import type { Opinion, Source } from "./source";

const OPINIONS: [Opinion, string][] = [["right", "✓"], ["wrong", "✗"], ["unsure", "?"]];

/** How a row can be marked where the page stands. */
export interface Marking {
  source: Source;
  id: string;
  may: MarksPage;
  /** The seed of the sample that is shown. */
  seed?: number;
  marked(row: number, mark: RowMark | undefined, marks: MarksPage): void;
}

const said = (mark: RowMark) => (typeof mark.should_be === "number" ? score(mark.should_be, 6) : mark.should_be);

/** The mark of a row in the list of rows. */
export function Marked({ mark, report, side }: { mark: RowMark; report: boolean; side?: string }) {
  const [, sign] = OPINIONS.find(([opinion]) => opinion === mark.opinion)!;
  return (
    <span class="marked">
      {side && `${side}: `}{report ? "marked" : "you"} <b aria-hidden="true">{sign}</b><span class="hidden">{mark.opinion}</span>
    </span>
  );
}

/** What was said, where nothing more can be. */
export const MarkText = ({ mark }: { mark: RowMark }) => (
  <p class="note">Marked {mark.opinion}{mark.should_be != null && <>: it should be <bdi>{said(mark)}</bdi></>}.</p>
);

/** Asks what the person thinks of a verdict. A pressed button takes its mark back. */
export function MarkRow({ row, verdict, marking }: { row: PageRow; verdict?: string; marking: Marking }) {
  const { source, id, may, seed, marked } = marking, mark = row.mark;
  const [busy, setBusy] = useState(false);
  // What was chosen stands until the answer comes.
  const [chosen, setChosen] = useState<string | number>();
  // What is being typed stands while the answer about another row comes.
  const [typed, setTyped] = useState<string>();
  const [failed, setFailed] = useState<string>();
  const say = async (opinion: Opinion | null, should_be?: string | number) => {
    if (busy) return;
    setBusy(true);
    setChosen(should_be);
    setFailed(undefined);
    try {
      const answer = await source.mark!(id, { row: row.row, opinion, should_be, sample_seed: seed });
      marked(row.row, answer.mark, answer.marks);
    } catch (error) {
      setFailed((error as Error).message);
    }
    setBusy(false);
  };
  const others = may.names.filter((name) => name !== verdict);
  const open = mark?.opinion === "wrong" && (may.names.length === 0 || others.length > 1);
  return (
    <div class="marking" role="group" aria-label={`What do you think of the verdict on row ${row.row}?`} aria-busy={busy}>
      <span class="ask-mark">Is the verdict right?</span>
      {OPINIONS.map(([opinion, sign]) => {
        const pressed = mark?.opinion === opinion;
        return <button type="button" key={opinion} aria-pressed={pressed} onClick={() => void say(pressed ? null : opinion)}><span aria-hidden="true">{sign} </span>{opinion}</button>;
      })}
      {open && (
        <label>
          It should be{" "}
          {may.names.length ? (
            <select value={(busy ? chosen : mark.should_be) ?? ""} onChange={(event) => void say("wrong", event.currentTarget.value || undefined)}>
              <option value="">not said</option>
              {others.map((name) => <option value={name} key={name}>{name}</option>)}
            </select>
          ) : (
            <input type="number" step="any" min={may.low} max={may.high} value={typed ?? (busy ? chosen : mark.should_be) ?? ""} onInput={(event) => setTyped(event.currentTarget.value)} onChange={(event) => {
              setTyped(undefined);
              const { value, valueAsNumber } = event.currentTarget;
              void say("wrong", value === "" ? undefined : valueAsNumber);
            }} />
          )}
        </label>
      )}
      <span class="quiet" role="status">{mark && !open && mark.should_be != null ? <>It should be <bdi>{said(mark)}</bdi>.</> : mark && "Kept."}</span>
      {failed && <Failure text={failed} />}
    </div>
  );
}

/** What all marks say together; its figures and sentences are the server's. */
export function MarksPanel({ marks, report }: { marks: MarksPage; report: boolean }) {
  if (!marks.sentences.length) return null;
  const rate = marks.sample?.rate;
  return (
    <Panel title={report ? "Marked by a person" : "Your marks"} note={note(rate && method(rate.interval), rate && "rows drawn at random")}>
      {rate && <Whiskers label="Verdicts marked right, of those drawn at random" axis={RATE} rows={[whisker("marked right", rate, "plain")]} />}
      <div role="status">{marks.sentences.map((each) => <p class="note" key={each}>{each}</p>)}</div>
    </Panel>
  );
}
