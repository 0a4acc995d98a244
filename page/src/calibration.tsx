// What labels of people say of the judge. The figures, their intervals and the sentences are the server's.

import { RATE, Whiskers, type Axis, type Whisker } from "./charts";
import { count, percent, percentRange, score, scoreRange } from "./format";
import { Panel } from "./parts";
import type { Pick } from "./results";
import type { Calibration, CorrectedFigure } from "./shapes";

const RATES: [keyof Calibration & ("agreement" | "sensitivity" | "specificity"), string, string][] = [
  ["agreement", "agrees", "of all labelled rows"],
  ["sensitivity", "passes", "of those that people pass"],
  ["specificity", "fails", "of those that people fail"],
];

export function CalibrationPanel({ found, pick, scale }: { found: Calibration; pick: Pick; scale?: Axis }) {
  const [main] = found.corrected, other = found.by_other_labels, wrong = found.labels > 0;
  const axis = main && (main.unit === "%" ? RATE : scale);
  const rates = RATES.filter(([name]) => found[name]?.length);
  return (
    <Panel wide title="Can this judge be trusted?" note={found.seed != null ? `The order of the sample follows from the seed ${found.seed}.` : undefined}>
      {main && axis && <Whiskers label={`Corrected ${main.of}`} axis={axis} rows={corrected(main)} />}
      {other && <Whiskers label="Pass rate by labels for other answers" axis={RATE} rows={corrected(other, "by other labels")} />}
      {rates.length > 0 && (
        <Whiskers label="The judge beside the labels" axis={RATE} rows={rates.map(([name, verb, of]) => rate(`judge ${verb}`, found[name]!, of))} />
      )}
      {found.matrix.length > 0 && (
        <div class="scroll" role="region" aria-label="Labelled rows by verdict and label" tabindex={0}>
          <table class="figures">
            <thead><tr><th scope="col">judge</th><th scope="col">label</th><th scope="col">rows</th></tr></thead>
            <tbody>
              {found.matrix.map((cell) => (
                <tr key={`${cell.verdict} ${cell.label}`}><th scope="row"><bdi>{cell.verdict}</bdi></th><td><bdi>{cell.label}</bdi></td><td>{count(cell.rows)}</td></tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found.sentences.map((each) => <p class="note" key={each}>{each}</p>)}
      {pick && wrong && <button type="button" class="link" onClick={() => pick({ show: "misjudged" })}>Show the rows on which the judge is wrong</button>}
    </Panel>
  );
}

function corrected(main: CorrectedFigure, called = "corrected"): Whisker[] {
  const text = (value: number) => (main.unit === "%" ? percent(value) : score(value));
  const ends = (figure: number[]) => (figure.length > 2 ? (main.unit === "%" ? percentRange : scoreRange)(figure[1]!, figure[2]!) : undefined);
  const row = (name: string, figure: number[], tone: Whisker["tone"]): Whisker => ({
    name, value: figure[0]!, low: figure[1], high: figure[2], text: text(figure[0]!), note: ends(figure), tone,
  });
  return [
    row(called, main.figure, "good"),
    row("judge alone", [main.judge_alone], "plain"),
    ...(main.labels_alone && main.method !== "labels alone" ? [row("labels alone", main.labels_alone, "plain")] : []),
  ];
}

const rate = (name: string, figure: number[], remark: string): Whisker => ({
  name, remark, value: figure[0]!, low: figure[1], high: figure[2], text: percent(figure[0]!),
  note: figure.length > 2 ? percentRange(figure[1]!, figure[2]!) : undefined,
});
