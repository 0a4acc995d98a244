// Two evaluations over the same rows.

import { useRef, useState } from "preact/hooks";
import { MatrixTable, RATE, Whiskers, type Whisker } from "./charts";
import { count, counted, fixed, pText, range, score, scoreRange, signed } from "./format";
import { Marked, MarkText } from "./marks";
import { Ask, ByColumn, Failure, Head, Panel, Settings, Verdict } from "./parts";
import { usePlace } from "./place";
import { ByValues, Difference, method, note, whisker } from "./results";
import { Answer, Fields, Judged, RowDetails, Search, usePages, useSettled, verdictText } from "./rows";
import type { ChangedPair, ComparisonPage, FlipQuery, FlipsPage, Groups, NetPreference, Scores } from "./shapes";
import type { Source } from "./source";

const KINDS = { answers: "answers compared", judges: "judges compared", "one judge twice": "one judge, twice" };

export function Comparison({ page, source, by, setBy, children }: { page: ComparisonPage; source: Source; by?: string; setBy(column?: string): void; children?: any }) {
  const found = page.answer, { passes, scores, preference, agreement, score_agreement: alike, rows } = found;
  const [query, setQuery] = useState<Partial<FlipQuery>>({});
  const list = useRef<HTMLElement>(null);
  const { card } = usePlace();
  const [unfolded, setUnfolded] = useState(false);
  const has = found.total_flips > 0 && !!source.flips, open = !card || unfolded;
  const pick = (next: Partial<FlipQuery>) => { setUnfolded(true); setQuery(next); list.current?.scrollIntoView({ block: "start", behavior: "smooth" }); };
  const shown = !!page.changes && has;
  return (
    <article>
      <Head kind={found.type} headline={found.headline} facts={[{ text: KINDS[found.compares] }, { text: counted(rows.pairs, "paired row") }]}>
        <p class="sides">
          {(["A", "B"] as const).map((side, k) => (
            <span class={k ? "tone-b" : "tone-a"} key={side}><b>{side}</b> <bdi>{page.names[k]}</bdi> {k ? found.name_b && <bdi>{found.name_b} </bdi> : found.name_a && <bdi>{found.name_a} </bdi>}<code>{k ? found.evaluation_id_b : found.evaluation_id_a}</code></span>
          ))}
        </p>
      </Head>
      {children}
      {found.warnings.map((warning) => <p class="warning" key={warning}><b>With care.</b> {warning}</p>)}
      <div class="panels">
        {passes && (
          <Panel title="Difference in pass rate, B minus A" note={note(
            method(passes.interval), passes.p_value != null && `exact McNemar ${pText(passes.p_value)}`, counted(rows.pairs, "paired row"),
            passes.difference_with_failed != null && `${signed(passes.difference_with_failed)} points with failed rows as not passed`,
          )}>
            <Difference name="B − A" value={passes.difference} interval={passes.interval} unit="points" sides={["A better", "B better"]} unseen={passes.smallest_detectable} />
          </Panel>
        )}
        {scores && (
          <Panel title="Difference in mean score, B minus A" note={note(
            method(scores.interval), scores.p_value != null && `paired t ${pText(scores.p_value)}`,
            scores.bootstrap && `bootstrap ${range(scores.bootstrap.low, scores.bootstrap.high, 2)}`, counted(rows.pairs, "paired row"),
          )}>
            <Difference name="B − A" value={scores.difference} interval={scores.interval} digits={2} sides={["A better", "B better"]} unseen={scores.smallest_detectable} />
          </Panel>
        )}
        {preference && (
          <Panel title="Net preference" note={note(method(preference.interval), preference.p_value != null && `paired t ${pText(preference.p_value)}`)}>
            <Difference name="B − A" value={preference.difference} interval={preference.interval} unit="points" sides={["toward A", "toward B"]} />
            <Whiskers label="Net preference of A and of B" axis={{ min: -100, max: 100, at: 0 }} rows={[net("A", preference.a, "a"), net("B", preference.b, "b")]} />
          </Panel>
        )}
        {passes && (
          <Panel title="Pass rates" note={note(method(passes.a.interval))}>
            <Whiskers label="Pass rates of A and B" axis={RATE} rows={[whisker("A", passes.a, "a"), whisker("B", passes.b, "b")]} />
          </Panel>
        )}
        {scores && (
          <Panel title="Mean scores" note={note(method(scores.a.interval))}>
            <Whiskers label="Mean scores of A and B" axis={scaleOf(page)} rows={[mean("A", scores.a, "a"), mean("B", scores.b, "b")]} />
          </Panel>
        )}
        {agreement && (
          <Panel title="Do they agree?" note={note(
            `on ${agreement.of}`, method(agreement.same.interval),
            agreement.kappa != null && `Cohen’s kappa ${fixed(agreement.kappa, 2)}${agreement.interval ? ` (${range(agreement.interval.low, agreement.interval.high, 2)})` : ""}`,
            agreement.ac1 != null && `Gwet’s AC1 ${fixed(agreement.ac1, 2)}${agreement.ac1_interval ? ` (${range(agreement.ac1_interval.low, agreement.ac1_interval.high, 2)})` : ""}`,
          )}>
            <Whiskers label="Rows judged the same" axis={RATE} rows={[whisker("the same", agreement.same, "plain")]} />
          </Panel>
        )}
        {alike && (
          <Panel title="Do they score alike?" note={note(
            method(alike.same.interval),
            alike.spearman != null && `rank correlation ${fixed(alike.spearman, 2)}${alike.spearman_interval ? ` (${range(alike.spearman_interval.low, alike.spearman_interval.high, 2)})` : ""}`,
            alike.pearson != null && `correlation ${fixed(alike.pearson, 2)}`, alike.weighted_kappa != null && `weighted kappa ${fixed(alike.weighted_kappa, 2)}`,
          )}>
            <Whiskers label="Rows with equal scores" axis={RATE} rows={[whisker("equal scores", alike.same, "plain")]} />
          </Panel>
        )}
        {page.changes && (
          <Panel title="What became of each row" note={shown && source ? "A number shows its rows below." : undefined}>
            <MatrixTable matrix={page.changes} label="Rows by verdict in A and in B" from="A" to="B" pick={shown ? (a, b) => pick({ verdict_a: a, verdict_b: b }) : undefined}
              tone={(i, j) => { const { passes: pass } = page.changes!; return pass[i] === pass[j] ? "plain" : pass[j] ? "good" : "bad"; }}
              caption={page.gained != null && <>
                <button type="button" class="pick" onClick={() => pick({ change: "gained" })}><i class="swatch tone-good" />pass only in B <b>{count(page.gained)}</b></button>
                <button type="button" class="pick" onClick={() => pick({ change: "lost" })}><i class="swatch tone-bad" />pass only in A <b>{count(page.lost!)}</b></button>
              </>} />
          </Panel>
        )}
        {found.by && <ByValues groups={found.by as Groups} />}
      </div>
      {Object.entries(found.not_computed).map(([figure, reason]) => <p class="note" key={figure}>Not computed, {figure}: {reason}</p>)}
      <p class="note">{leftOut(page)}</p>
      {source.kind !== "report" && <ByColumn columns={page.by_columns} chosen={by} choose={setBy} />}
      {card && (
        <p class="actions">
          {has && !open && <button type="button" class="primary" onClick={() => setUnfolded(true)}>Show the rows that changed</button>}
          <Ask question={`What does the comparison of ${found.evaluation_id_a} and ${found.evaluation_id_b} mean, and which should be used?`}>Ask about the comparison</Ask>
        </p>
      )}
      <section class="rows" ref={list}>{has ? open && <Flips page={page} source={source} query={query} setQuery={setQuery} /> : !found.total_flips && <p class="note">No row was judged differently.</p>}</section>
      {open && <Settings settings={page.settings} two />}
    </article>
  );
}

const net = (name: string, one: NetPreference, tone: "a" | "b"): Whisker => ({
  name, tone, value: one.net, low: one.interval?.low, high: one.interval?.high, text: signed(one.net), note: one.interval && range(one.interval.low, one.interval.high),
});
const mean = (name: string, one: Scores, tone: "a" | "b"): Whisker => ({
  name, tone, value: one.mean, low: one.interval?.low, high: one.interval?.high, text: score(one.mean), note: one.interval && scoreRange(one.interval.low, one.interval.high),
});

function scaleOf(page: ComparisonPage) {
  const of = (name: string) => Number(page.settings.find((each) => each.name === name)?.value ?? NaN);
  const min = of("min_score"), max = of("max_score");
  const { a, b } = page.answer.scores!;
  if (Number.isFinite(min) && Number.isFinite(max)) return { min, max };
  const ends = [a, b].flatMap((one) => [one.mean, one.interval?.low ?? one.mean, one.interval?.high ?? one.mean]);
  return { min: Math.min(0, ...ends), max: Math.max(1, ...ends) };
}

/** The rows of both files that no figure includes. */
function leftOut({ answer: { rows } }: ComparisonPage): string {
  const parts = [
    rows.no_verdict && `${counted(rows.no_verdict, "row")} without a verdict in A or B`,
    rows.unmatched_a && `${counted(rows.unmatched_a, "row")} of A that B does not have`,
    rows.unmatched_b && `${counted(rows.unmatched_b, "row")} of B that A does not have`,
    rows.duplicated_a && `${counted(rows.duplicated_a, "row")} of A and ${count(rows.duplicated_b)} of B that are there more than once`,
  ].filter(Boolean);
  const all = `A has ${counted(rows.rows_a, "row")}, B has ${count(rows.rows_b)}`;
  return parts.length ? `${all}. Left out: ${parts.join(", ")}.` : `${all}; none is left out.`;
}

function Flips({ page, source, query, setQuery }: { page: ComparisonPage; source: Source; query: Partial<FlipQuery>; setQuery(query: Partial<FlipQuery>): void }) {
  const { evaluation_id_a: a, evaluation_id_b: b, total_flips: total } = page.answer;
  const key = JSON.stringify(query);
  const [text, setText] = useState("");
  const searched = useSettled(text.trim());
  const asked: Partial<FlipQuery> = searched ? { ...query, text: searched } : query;
  const { pages, last, failed, busy, more } = usePages<FlipsPage>(JSON.stringify(asked), (cursor) => source.flips(a, b, asked, cursor));
  const pairs = pages.flatMap((each) => each.pairs);
  const choices: [string, number | undefined, Partial<FlipQuery>][] = [["all", total, {}]];
  if (page.gained != null) choices.push(["pass only in B", page.gained, { change: "gained" }], ["pass only in A", page.lost, { change: "lost" }]);
  const other = !choices.some(([, , each]) => JSON.stringify(each) === key);
  return (
    <>
      <h2>Rows that changed <span class="quiet" role="status">{last && `${count(pairs.length)} of ${count(last.matching)} that match, the largest change first`}</span></h2>
      <div class="tools">
        <div class="filters" role="group" aria-label="Which rows">
          {choices.map(([name, rows, each]) => <button type="button" key={name} aria-pressed={JSON.stringify(each) === key} onClick={() => setQuery(each)}>{name} {rows != null && <span class="quiet">{count(rows)}</span>}</button>)}
          {other && <button type="button" aria-pressed="true" onClick={() => setQuery({})}><bdi>{query.verdict_a} → {query.verdict_b}</bdi> <span aria-hidden="true">×</span><span class="hidden">, take away</span></button>}
        </div>
        <Search text={text} setText={setText} />
      </div>
      {failed && <Failure text={failed} />}
      <ol class="list">{pairs.map((pair) => <li key={pair.a.row}><FlipItem pair={pair} report={source.kind === "report"} /></li>)}</ol>
      {last && !pairs.length && !busy && <p class="note">No row matches.</p>}
      {more && <button type="button" class="more" disabled={busy} onClick={more}>{busy ? "Reading…" : "Show more rows"}</button>}
    </>
  );
}

function FlipItem({ pair: { a, b, shared, own_a, own_b }, report }: { pair: ChangedPair; report: boolean }) {
  const gist = (shared.find(([, text]) => text.length > 12) ?? shared[0] ?? own_a[0])?.[1];
  const marked = (a.mark || b.mark) && <span class="marks">{([["A", a], ["B", b]] as const).map(([side, { mark }]) => mark && <Marked key={side} mark={mark} report={report} side={side} />)}</span>;
  return (
    <RowDetails two number={a.row} gist={gist} extra={marked} verdicts={<><Verdict text={verdictText(a)} passed={a.passed} /><span class="quiet">→</span><Verdict text={verdictText(b)} passed={b.passed} /></>}>
      <Fields cells={shared} />
      <div class="pair">
        {([["A", own_a, a], ["B", own_b, b]] as const).map(([side, own, row]) => (
          <div class="side" key={side}>
            {own.map(([name, text], k) => <Answer key={k} name={name} text={text} side={side} />)}
            <Judged row={row} side={side} />
            {row.mark && <MarkText mark={row.mark} />}
          </div>
        ))}
      </div>
      {(a.cut || b.cut) && <p class="note">A text of this row is too long to be shown whole.</p>}
    </RowDetails>
  );
}

