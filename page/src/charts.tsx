// Charts as SVG with positions in percent: they are as wide as their place without being measured,
// stay sharp, print, and each figure stands beside its mark as text.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { MINUS, NBSP, count, percent, score, ticks } from "./format";
import type { Bin, LabelCount, Matrix, RowQuery, Share } from "./shapes";

export type Tone = "good" | "bad" | "none" | "empty" | "a" | "b" | "plain";

export interface Whisker {
  name: string;
  value: number;
  low?: number;
  high?: number;
  text: string;
  note?: string;
  tone?: Tone;
  /** Quartiles, drawn as a box under the dot. */
  box?: number[];
  /** What is said about the figure, under its name. */
  remark?: string;
}
export interface Axis {
  min: number;
  max: number;
  unit?: string;
  /** A line to compare with, such as no difference. */
  at?: number;
  /** What could easily have gone unseen. */
  band?: [number, number];
  bandLabel?: string;
  /** What lies to the left and the right of the line. */
  sides?: [string, string];
}
export const RATE: Axis = { min: 0, max: 100, unit: `${NBSP}%` };

const place = (axis: Axis) => (value: number) => {
  const share = (value - axis.min) / (axis.max - axis.min || 1);
  return `${(100 * Math.min(1, Math.max(0, share))).toFixed(2)}%`;
};
const wide = (from: string, to: string) => `${Math.max(0, parseFloat(to) - parseFloat(from)).toFixed(2)}%`;

/** Dot and whisker: a figure and its interval, a line each, on one axis. */
export function Whiskers({ rows, axis, label }: { rows: Whisker[]; axis: Axis; label: string }) {
  const x = place(axis);
  const marks = ticks(axis.min, axis.max, 4);
  return (
    <div class={rows.some((row) => row.remark) ? "whiskers spaced" : "whiskers"} role="group" aria-label={label}>
      {rows.map((row, k) => (
        <div class={`line tone-${row.tone ?? "plain"}`} key={k}>
          <div class="name" dir="auto">{row.name}{row.remark && <small>{row.remark}</small>}</div>
          <svg class="track" width="100%" height="30" aria-hidden="true">
            <g class="grid">
              {axis.band && <rect class="band" x={x(axis.band[0])} width={wide(x(axis.band[0]), x(axis.band[1]))} y="0" height="30" />}
              {marks.map((mark) => <line key={mark} x1={x(mark)} x2={x(mark)} y1="0" y2="30" />)}
              {axis.at != null && <line class="at" x1={x(axis.at)} x2={x(axis.at)} y1="0" y2="30" />}
            </g>
            {row.box?.length === 5 && (
              <g class="box">
                <line x1={x(row.box[0]!)} x2={x(row.box[4]!)} y1="15" y2="15" />
                <rect x={x(row.box[1]!)} width={wide(x(row.box[1]!), x(row.box[3]!))} y="6" height="18" rx="3" />
                <line class="median" x1={x(row.box[2]!)} x2={x(row.box[2]!)} y1="6" y2="24" />
              </g>
            )}
            {row.low != null && row.high != null && (
              <g class="interval">
                <line class="bar" x1={x(row.low)} x2={x(row.high)} y1="15" y2="15" />
                <line x1={x(row.low)} x2={x(row.low)} y1="9" y2="21" />
                <line x1={x(row.high)} x2={x(row.high)} y1="9" y2="21" />
              </g>
            )}
            <circle class="dot" cx={x(row.value)} cy="15" r="5.5" />
          </svg>
          <div class="value"><b>{row.text}</b>{row.note && <span>{row.note}</span>}</div>
        </div>
      ))}
      <div class="line axis" aria-hidden="true">
        <div class="name" />
        <div class="track">
          <svg width="100%" height="18">
            {marks.map((mark) => (
              <text key={mark} x={x(mark)} y="13" text-anchor={anchor(mark, axis)}>{tick(mark)}{mark === marks.at(-1) ? axis.unit : ""}</text>
            ))}
          </svg>
          {axis.sides && <div class="ends"><span>{`\u2190 ${axis.sides[0]}`}</span><span>{`${axis.sides[1]} \u2192`}</span></div>}
        </div>
        <div class="value" />
      </div>
      {axis.bandLabel && <p class="key"><span><i class="swatch band" />{axis.bandLabel}</span></p>}
    </div>
  );
}

const tick = (value: number) => (value < 0 ? MINUS + -value : String(value));
const anchor = (value: number, axis: Axis) => (value <= axis.min ? "start" : value >= axis.max ? "end" : "middle");

type Pick = ((query: Partial<RowQuery>) => void) | undefined;
const same = (one?: Partial<RowQuery>, other?: Partial<RowQuery>) => !!one && JSON.stringify(one) === JSON.stringify(other);

/** A bar a label, each a button that shows its rows. */
export function Bars({ labels, picked, pick }: { labels: LabelCount[]; picked?: Partial<RowQuery>; pick: Pick }) {
  const most = Math.max(...labels.map((each) => each.percent), 1);
  return (
    <div class="bars" role="group" aria-label="Rows by label">
      {labels.map((each) => {
        const tone = each.passes === true ? "good" : each.passes === false ? "bad" : "plain";
        const inside = (
          <>
            <span class="name" dir="auto"><span class="mark" aria-hidden="true">{each.passes === true ? "✓" : each.passes === false ? "✗" : ""}</span>{each.label}</span>
            <svg class="track" width="100%" height="20" aria-hidden="true">
              <rect width={`${((100 * each.percent) / most).toFixed(2)}%`} height="20" rx="3" />
            </svg>
            <span class="value"><b>{count(each.count)}</b><span>{percent(each.percent)}</span></span>
          </>
        );
        return pick ? (
          <button type="button" class={`line tone-${tone}`} aria-pressed={picked?.label === each.label} onClick={() => pick({ label: each.label })} key={each.label}>{inside}</button>
        ) : (
          <div class={`line tone-${tone}`} key={each.label}>{inside}</div>
        );
      })}
    </div>
  );
}

/** Parts of a whole, in one bar, with their counts as text. */
export function Stack({ shares, total, picked, pick }: { shares: Share[]; total: number; picked?: Partial<RowQuery>; pick: Pick }) {
  let from = 0;
  return (
    <div class="stack" role="group" aria-label={`All ${count(total)} rows`}>
      <svg width="100%" height="24" aria-hidden="true">
        {shares.map((share) => {
          const start = from;
          from += share.percent;
          return share.count > 0 && <rect key={share.name} class={`tone-${share.tone}`} x={`${start.toFixed(3)}%`} width={`${share.percent.toFixed(3)}%`} height="24" />;
        })}
      </svg>
      <p class="key">
        {shares.map((share) => {
          const inside = <><i class={`swatch tone-${share.tone}`} />{share.name} <b>{count(share.count)}</b> <em>{percent(share.percent)}</em></>;
          return pick && share.query ? (
            <button type="button" class="pick" key={share.name} aria-pressed={same(picked, share.query)} onClick={() => pick(share.query!)}>{inside}</button>
          ) : (
            <span key={share.name}>{inside}</span>
          );
        })}
      </p>
    </div>
  );
}

/** Scores by range, with the threshold. */
export function Histogram({ bins, threshold, picked, pick }: { bins: Bin[]; threshold?: number; picked?: Partial<RowQuery>; pick: Pick }) {
  const id = useId();
  const axis = { min: bins[0]!.low, max: bins.at(-1)!.high };
  const x = place(axis), high = 132, top = 20;
  const most = Math.max(...bins.map((bin) => bin.count), 1);
  const said = bins.map((bin) => `${score(bin.low)} to ${score(bin.high)}: ${bin.count}`).join("; ");
  const edges = [...bins.map((bin) => bin.low), axis.max];
  return (
    <figure class="histogram">
      <svg width="100%" height={high + 24} role={pick ? "group" : "img"} aria-labelledby={id}>
        <title id={id}>{`Scores by range. ${said}`}</title>
        {bins.map((bin, k) => {
          const from = parseFloat(x(bin.low)), width = parseFloat(x(bin.high)) - from || 100;
          const tall = ((high - top) * bin.count) / most;
          const tone = bin.passes === true ? "good" : bin.passes === false ? "bad" : threshold == null ? "plain" : "none";
          const choose = pick && bin.count > 0 ? () => pick(bin.query) : undefined;
          return (
            <g key={k} class={`tone-${tone}${choose ? " pick" : ""}`} onClick={choose} {...(choose && {
              role: "button", tabindex: 0, "aria-pressed": same(picked, bin.query), "aria-label": `Scores ${score(bin.low)} to ${score(bin.high)}: ${bin.count} rows`,
              onKeyDown: (event: KeyboardEvent) => {
                if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); }
              },
            })}>
              <rect class="hit" x={`${from}%`} width={`${width}%`} y="0" height={high} />
              <rect class="mark" x={`${from + 0.35}%`} width={`${width - 0.7}%`} y={high - tall} height={tall} rx="2" />
              {bin.count > 0 && <text x={`${from + width / 2}%`} y={high - tall - 5} text-anchor="middle">{count(bin.count)}</text>}
            </g>
          );
        })}
        <line class="base" x1="0" x2="100%" y1={high} y2={high} />
        {threshold != null && threshold >= axis.min && threshold <= axis.max && (
          <g class="threshold"><line x1={x(threshold)} x2={x(threshold)} y1="2" y2={high} /></g>
        )}
        {edges.map((edge, k) => (edges.length <= 11 || k % 2 === 0) && (
          <text key={k} class="tick" x={x(edge)} y={high + 16} text-anchor={anchor(edge, axis)}>{score(edge)}</text>
        ))}
      </svg>
    </figure>
  );
}

/** Rows by two verdicts, as a table whose shade is the count. */
export function MatrixTable({ matrix, from, to, label, tone, caption, pick }: {
  matrix: Matrix; from: string; to: string; label: string; tone(i: number, j: number): Tone; caption?: ComponentChildren;
  pick?: (a: string, b: string) => void;
}) {
  const { names, counts } = matrix;
  const most = Math.max(...counts.flatMap((row, i) => row.filter((_, j) => i !== j)), 1);
  return (
    <div class="matrix">
      <div class="scroll" role="region" aria-label={label} tabindex={0}>
        <table>
          <thead>
            <tr><td class="corner"><span>{to} →</span><span>{from} ↓</span></td>{names.map((name) => <th scope="col" key={name} dir="auto">{name}</th>)}<th scope="col" class="sum">all</th></tr>
          </thead>
          <tbody>
            {names.map((a, i) => (
              <tr key={a}>
                <th scope="row" dir="auto">{a}</th>
                {names.map((b, j) => {
                  const rows = counts[i]![j]!;
                  const look = i === j ? "same" : rows ? `changed tone-${tone(i, j)}` : "empty";
                  const text = rows ? count(rows) : "·";
                  return (
                    <td key={b} class={look} style={{ "--share": (rows / most).toFixed(3) }}>
                      {pick && rows && i !== j ? <button type="button" aria-label={`${a} in ${from}, ${b} in ${to}: ${rows} rows`} onClick={() => pick(a, b)}>{text}</button> : text}
                    </td>
                  );
                })}
                <td class="sum">{count(matrix.row_totals[i]!)}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr><th scope="row" class="sum">all</th>{names.map((b, j) => <td key={b} class="sum">{count(matrix.column_totals[j]!)}</td>)}<td class="sum" /></tr>
          </tfoot>
        </table>
      </div>
      {caption && <p class="key">{caption}</p>}
    </div>
  );
}
