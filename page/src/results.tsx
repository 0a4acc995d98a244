// What an evaluation found. The figures and their intervals are the server's.

import { Bars, Histogram, MatrixTable, RATE, Stack, Whiskers, type Axis, type Tone, type Whisker } from "./charts";
import { NBSP, around, count, fixed, pText, percent, percentRange, range, score, scoreRange, signed } from "./format";
import { Panel } from "./parts";
import type { BenchmarkSummary, DifferenceInterval, EvaluationPage, Group, Groups, Interval, Rate, RowQuery, Summary } from "./shapes";

export type Pick = ((query: Partial<RowQuery>) => void) | undefined;

const METHODS: Record<string, string> = {
  wilson: "Wilson", tango: "Tango", t: "Student’s t", bootstrap: "bootstrap", "bonett-wright": "Bonett and Wright",
};

/** Which interval it is, in words. */
export function method(interval?: Interval | DifferenceInterval): string {
  if (!interval) return "";
  const [name, ...rest] = interval.method.split(", ");
  return [`95${NBSP}% interval`, METHODS[name!] ?? name, ...rest].join(", ");
}

/** The parts of a note as one sentence; what is false says nothing. */
export function note(...parts: (string | false | undefined)[]): string | undefined {
  const said = parts.filter(Boolean).join("; ");
  return said ? `${said[0]!.toUpperCase()}${said.slice(1)}.` : undefined;
}

export const whisker = (name: string, rate: Rate, tone: Tone): Whisker => ({
  name, tone, value: rate.percent, low: rate.interval?.low, high: rate.interval?.high,
  text: percent(rate.percent), note: rate.interval && percentRange(rate.interval.low, rate.interval.high),
});

export function Results({ page, picked, pick, children }: { page: EvaluationPage; picked?: Partial<RowQuery>; pick: Pick; children?: any }) {
  const found = page.answer.summary!;
  return (
    <div class="panels">
      {found.scores && <Scored found={found} page={page} picked={picked} pick={pick} />}
      {found.pass_rate && <PassRate found={found} page={page} picked={picked} pick={pick} />}
      {found.labels && found.labels.length > 0 && (
        <Panel title="Labels" note={pick && "A label shows its rows below."}><Bars labels={found.labels} picked={picked} pick={pick} /></Panel>
      )}
      {found.wins && <Wins found={found} page={page} picked={picked} pick={pick} />}
      {found.wins?.longer && (
        <Panel title="Length of the answers" note={note(found.wins.longer.interval && method(found.wins.longer.interval), `${count(found.wins.longer.of!)} rows with a winner and answers of different length`, found.wins.a_longer != null && `A is the longer one in ${count(found.wins.a_longer)}`)}>
          <Whiskers label="Choices of the longer answer" axis={{ ...RATE, at: 50, sides: ["shorter liked", "longer liked"] }} rows={[whisker("longer chosen", found.wins.longer, "plain")]} />
        </Panel>
      )}
      {found.wins?.first_slot && <Position found={found} page={page} pick={pick} />}
      {found.benchmark && <Benchmark found={found.benchmark} />}
      {page.answer.by && <ByValues groups={page.answer.by as Groups} page={page} />}
      {children}
    </div>
  );
}

function PassRate({ found, page, picked, pick }: { found: Summary; page: EvaluationPage; picked?: Partial<RowQuery>; pick: Pick }) {
  const rate = found.pass_rate!, threshold = page.answer.parameters.pass_threshold;
  return (
    <Panel title="Pass rate" note={note(
      method(rate.interval),
      rate.of != null && `${count(rate.of)} answers with a verdict`,
      typeof threshold === "number" && `pass is ${score(threshold)} or more`,
      rate.percent_of_all_rows != null && `${percent(rate.percent_of_all_rows)} of all rows`,
    )}>
      <Whiskers label="Pass rate with its interval" axis={RATE} rows={[whisker("pass", rate, "good")]} />
      {page.shares.length > 0 && <Stack shares={page.shares} total={page.shares_total} picked={picked} pick={pick} />}
    </Panel>
  );
}

function Scored({ found, page, picked, pick }: { found: Summary; page: EvaluationPage; picked?: Partial<RowQuery>; pick: Pick }) {
  const scores = found.scores!, { min_score: min, max_score: max, pass_threshold: threshold } = page.answer.parameters;
  return (
    <>
      {page.bins && (
        <Panel wide title="Scores" note={note(
          scores.n != null && `${count(scores.n)} scores`,
          page.outside > 0 && `${count(page.outside)} outside of the range`,
          typeof threshold === "number" && `dashed: ${score(threshold)} or more is a pass`,
          pick && "a bar shows its rows below",
        )}>
          <Histogram bins={page.bins} threshold={threshold} picked={picked} pick={pick} />
        </Panel>
      )}
      {typeof min === "number" && typeof max === "number" && (
        <Panel title="Mean" note={note(
          method(scores.interval),
          scores.std != null && `standard deviation ${score(scores.std)}`,
          scores.quartiles && `box: quartiles ${scores.quartiles.slice(1, 4).map((each) => score(each)).join(", ")}`,
        )}>
          <Whiskers label="Mean score with its interval" axis={{ min, max }} rows={[{
            name: "score", value: scores.mean, low: scores.interval?.low, high: scores.interval?.high, box: scores.quartiles,
            text: score(scores.mean), note: scores.interval && scoreRange(scores.interval.low, scores.interval.high),
          }]} />
        </Panel>
      )}
    </>
  );
}

function Wins({ found, page, picked, pick }: { found: Summary; page: EvaluationPage; picked?: Partial<RowQuery>; pick: Pick }) {
  const wins = found.wins!;
  const [a, b] = page.sides ?? ["A", "B"], better = page.win_rate;
  return (
    <Panel title="Who wins" note={note(
      better && method(better.rate.interval), better && "a tie is half a win",
      wins.p_value != null && `sign test without the ties: ${pText(wins.p_value)}`,
      !better && "no win rate, because the order decided most rows",
    )}>
      <p class="sides"><span class="tone-a"><b>A</b> {a}</span><span class="tone-b"><b>B</b> {b}</span></p>
      <Stack shares={page.shares} total={page.shares_total} picked={picked} pick={pick} />
      {better && (
        <Whiskers label={`Win rate of ${better.side}`} axis={{ ...RATE, at: 50, sides: better.side === "A" ? ["B better", "A better"] : ["A better", "B better"] }}
          rows={[whisker(`${better.side} wins`, better.rate, better.side === "A" ? "a" : "b")]} />
      )}
    </Panel>
  );
}

/** Whether the judge looks at the order. */
function Position({ found, page, pick }: { found: Summary; page: EvaluationPage; pick: Pick }) {
  const wins = found.wins!, first = wins.first_slot!;
  const low = first.interval?.low ?? first.percent, high = first.interval?.high ?? first.percent;
  const reach = Math.min(50, Math.max(10, Math.ceil(Math.max(high - 50, 50 - low) / 10) * 10));
  const names = page.orders?.names ?? [], a = names.indexOf("A"), b = names.indexOf("B");
  return (
    <Panel title="Position bias" note={note(
      method(first.interval), wins.first_slot_p != null && `sign test: ${pText(wins.first_slot_p)}`,
      wins.disagreements && `the order changed the verdict in ${percent(wins.disagreements.percent)} of ${count(wins.disagreements.of!)} pairs`,
    )}>
      <Whiskers label="Choices of the answer shown first" axis={{ min: 50 - reach, max: 50 + reach, unit: `${NBSP}%`, at: 50, sides: ["last liked", "first liked"] }} rows={[whisker("first chosen", first, "plain")]} />
      {page.orders && (
        <MatrixTable matrix={page.orders} label="Choices by order" from="shown A, B" to="shown B, A"
          tone={(i, j) => (i !== j && names[i] !== "Tie" && names[j] !== "Tie" ? "bad" : "plain")}
          caption={a >= 0 && b >= 0 && <><span><i class="swatch tone-bad" />first chosen twice <b>{count(page.orders.counts[a]![b]!)}</b></span><span><i class="swatch tone-bad" />last chosen twice <b>{count(page.orders.counts[b]![a]!)}</b></span></>} />
      )}
      {pick && !!wins.disagreements?.percent && <button type="button" class="link" onClick={() => pick({ show: "disagreements" })}>Show the rows where the order decided</button>}
    </Panel>
  );
}

function Benchmark({ found }: { found: BenchmarkSummary }) {
  const { models, differences } = found;
  const counted = models.filter((model) => model.correct);
  const names = [...new Set(models.flatMap((model) => model.metrics.map((metric) => metric.metric)))];
  return (
    <>
      {counted.length > 0 && (
        <Panel title="Correct answers" note={note(method(counted[0]!.correct!.interval), counted[0]!.correct!.of != null && `${count(counted[0]!.correct!.of)} questions`, found.judge && `judged by ${found.judge}`)}>
          <Whiskers label="Correct answers by model" axis={RATE} rows={counted.map((one, k) => whisker(one.model_id, one.correct!, counted.length > 1 ? (k ? "b" : "a") : "good"))} />
        </Panel>
      )}
      {differences.filter((one) => one.of === "correct").map((one) => (
        <Panel key={one.of} title="Paired difference" note={note(
          method(one.interval), one.p_value != null && `exact McNemar ${pText(one.p_value)}`,
          one.only_first != null && `only ${one.model_id} right: ${count(one.only_first)}`,
          one.only_second != null && `only ${one.model_id_2} right: ${count(one.only_second)}`, `${count(one.questions)} questions`,
        )}>
          <Difference name={`${one.model_id_2} − ${one.model_id}`} value={one.difference} interval={one.interval} unit="points" sides={[`${one.model_id} better`, `${one.model_id_2} better`]} />
        </Panel>
      ))}
      {names.length > 0 && (
        <Panel title="Metrics" wide>
          <div class="scroll" role="region" aria-label="Metrics" tabindex={0}>
            <table class="figures">
              <thead><tr><th scope="col">metric</th>{models.map((model) => <th scope="col" key={model.model_id}>{model.model_id}</th>)}</tr></thead>
              <tbody>
                {names.map((name) => (
                  <tr key={name}>
                    <th scope="row">{name}</th>
                    {models.map((model) => {
                      const one = model.metrics.find((metric) => metric.metric === name);
                      return <td key={model.model_id}>{one?.mean != null ? <><b>{score(one.mean)}</b>{one.interval && <span> {scoreRange(one.interval.low, one.interval.high)}</span>}</> : "–"}</td>;
                    })}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Panel>
      )}
    </>
  );
}

/** A difference on an axis around 0, with what could have gone unseen. */
export function Difference({ name, value, interval, unit, sides, unseen, digits = 1 }: {
  name: string; value: number; interval?: Interval | DifferenceInterval; unit?: string; sides: [string, string]; unseen?: number; digits?: number;
}) {
  const tone: Tone = interval && interval.low > 0 ? "b" : interval && interval.high < 0 ? "a" : "plain";
  // What could have gone unseen matters where nothing was seen.
  const missed = tone === "plain" ? unseen : undefined;
  const [min, max] = around([value, interval?.low ?? value, interval?.high ?? value, missed ?? 0]);
  const end = unit ? NBSP + unit : "";
  return (
    <Whiskers label="Difference with its interval" axis={{
      min, max, at: 0, sides, band: missed ? [-missed, missed] : undefined,
      bandLabel: missed ? `below ${fixed(missed, digits)}${end} could have gone unseen` : undefined,
    }} rows={[{
      name, value, low: interval?.low, high: interval?.high, tone, text: signed(value, digits) + end,
      note: interval && range(interval.low, interval.high, digits),
    }]} />
  );
}

/** The main figure for each value of a column. */
export function ByValues({ groups, page }: { groups: Groups; page?: EvaluationPage }) {
  const shown = groups.shown.filter((group) => group.figure?.length);
  const text = (value: number) => (groups.unit === "%" ? percent(value) : groups.unit === "points" ? signed(value) : score(value));
  const ends = (low: number, high: number) => (groups.unit === "%" ? percentRange(low, high) : groups.unit === "points" ? range(low, high) : scoreRange(low, high));
  const row = ({ value, rows, counted, figure, verdict, p_holm }: Group): Whisker => ({
    name: value, value: figure![0]!, low: figure![1], high: figure![2], text: text(figure![0]!), tone: "plain",
    note: figure!.length > 2 ? ends(figure![1]!, figure![2]!) : `${count(counted)} rows`,
    remark: [counted === rows ? `${count(rows)} rows` : `${count(counted)} of ${count(rows)} rows`, verdict, verdict && p_holm != null && `corrected ${pText(p_holm)}`].filter(Boolean).join("; "),
  });
  return (
    <Panel wide title={`By ${groups.column}`} note={groups.notes.join(" ")}>
      <p class="lead" dir="auto">{groups.headline}</p>
      {groups.figure && shown.length > 0 && <Whiskers label={`${groups.figure} by ${groups.column}`} axis={axisOf(groups, page)} rows={shown.map(row)} />}
    </Panel>
  );
}

function axisOf(groups: Groups, page?: EvaluationPage): Axis {
  if (groups.unit === "%") return RATE;
  const values = groups.shown.flatMap((group) => group.figure ?? []);
  const { min_score: min, max_score: max } = page?.answer.parameters ?? {};
  if (page && typeof min === "number" && typeof max === "number") return { min, max };
  const [low, high] = around(values);
  return { min: low, max: high, at: 0 };
}
