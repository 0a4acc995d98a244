// Where the data of the page come from. Every source answers with the shapes of `shapes.ts`, so no
// other part of the page knows whether it is a report, a viewer, or something else.

import type {
  ComparisonPage, EvaluationPage, FlipQuery, FlipsPage, LabelsPage, ListPage, MarkAnswer, PageRow, Report, RowQuery, RowsPage, RowMark, StatusPage,
} from "./shapes";

export type Opinion = RowMark["opinion"];

export interface Source {
  readonly kind: "report" | "viewer" | "app";
  evaluation(id: string, by?: string): Promise<EvaluationPage>;
  comparison(a: string, b: string, by?: string): Promise<ComparisonPage>;
  /** Rows of an evaluation; a cursor continues the page that gave it. */
  rows(id: string, query: Partial<RowQuery>, cursor?: string): Promise<RowsPage>;
  flips(a: string, b: string, query: Partial<FlipQuery>, cursor?: string): Promise<FlipsPage>;
  /** What follows is absent where the data do not change. */
  list?(cursor?: string): Promise<ListPage>;
  status?(id: string): Promise<StatusPage>;
  stop?(id: string): Promise<unknown>;
  /** Keeps what the person says about the verdict of a row; absent where nothing can be kept. */
  mark?(id: string, said: Said): Promise<MarkAnswer>;
  /** Keeps what the verdict of a row should be, if anything is said, and answers with the rows to label next. */
  label?(id: string, said: LabelSaid): Promise<LabelsPage>;
}

/** How the rows of a sample are drawn. */
export type Plan = "random" | "balanced";

/** What a person says that the verdict should be; without a position nothing is said yet. */
export interface LabelSaid { plan: Plan; labeller: string; position?: number; value?: string | number | null; seconds?: number; close?: boolean }

/** What a person says about a verdict; without an opinion, an earlier mark is taken back. */
export interface Said { row: number; opinion: Opinion | null; should_be?: string | number; sample_seed?: number }

/** The sentence of a failure, for the person who reads the page. */
export class Failed extends Error {}

const PAGE = 20;

/** A report answers from what it holds, with the filters of the server. */
export class ReportSource implements Source {
  readonly kind = "report";
  constructor(private report: Report) {}

  evaluation = async () => this.report.evaluation!;
  comparison = async () => this.report.comparison!;

  async rows(_id: string, query: Partial<RowQuery>, cursor?: string): Promise<RowsPage> {
    const held = this.report.rows;
    if (!held) throw new Failed("This report was written without rows.");
    const found = held.rows.filter(matcher(query));
    const [rows, next_cursor] = page(found, cursor);
    return { ...held, matching: found.length, rows, next_cursor };
  }

  async flips(_a: string, _b: string, query: Partial<FlipQuery>, cursor?: string): Promise<FlipsPage> {
    const held = this.report.flips, matrix = this.report.comparison?.changes;
    if (!held) throw new Failed("This report was written without rows.");
    const name = (row: PageRow) => (row.verdict != null && matrix?.names.includes(row.verdict) ? row.verdict : row.passed ? "pass" : "fail");
    const text = query.text?.toLowerCase();
    const found = held.pairs.filter((pair) => {
      const { a, b } = pair;
      if (query.change && (a.passed !== (query.change === "lost") || b.passed !== (query.change === "gained"))) return false;
      if (query.verdict_a != null && name(a) !== query.verdict_a) return false;
      if (query.verdict_b != null && name(b) !== query.verdict_b) return false;
      return text == null || contains(a, text) || contains(b, text) || [pair.shared, pair.own_a, pair.own_b].some((cells) => cells.some(([, each]) => each.toLowerCase().includes(text)));
    });
    const [pairs, next_cursor] = page(found, cursor);
    return { ...held, matching: found.length, pairs, next_cursor };
  }
}

function page<T>(found: T[], cursor?: string): [T[], string | undefined] {
  const start = Number(cursor ?? 0), end = start + PAGE;
  return [found.slice(start, end), end < found.length ? String(end) : undefined];
}

/** The conditions of `read_results`, on the rows of a report. */
function matcher(query: Partial<RowQuery>): (row: PageRow) => boolean {
  const text = query.text?.toLowerCase();
  const states: Record<string, (row: PageRow) => boolean> = {
    failing: (row) => row.state === "ok" && row.passed === false,
    passing: (row) => row.state === "ok" && row.passed === true,
    invalid: (row) => row.state === "invalid",
    failed: (row) => row.state === "generation_failed" || row.state === "judge_failed",
    disagreements: (row) => row.orders_differ === true,
    one_order: (row) => row.state === "one_order",
  };
  const shown = states[query.show ?? "all"];
  return (row) => {
    if (shown && !shown(row)) return false;
    if (query.label != null && row.verdict !== query.label) return false;
    if (query.decision != null && (row.verdict !== query.decision || (!shown && row.state !== "ok"))) return false;
    if (query.min_score != null && !(row.score! >= query.min_score)) return false;
    if (query.max_score != null && !(row.score! <= query.max_score)) return false;
    return text == null || contains(row, text);
  };
}

const contains = (row: PageRow, text: string) =>
  row.texts.some((each) => each?.toLowerCase().includes(text)) ||
  row.reasons.some((each) => each.text.toLowerCase().includes(text)) ||
  !!row.verdict?.toLowerCase().includes(text);

/** The viewer of this machine: one call for each question, with the token of the page's address. */
export class ViewerSource implements Source {
  readonly kind = "viewer";
  constructor(private token: string) {}

  evaluation = (id: string, by?: string) => this.call<EvaluationPage>("evaluation", { evaluation_id: id, by });
  comparison = (a: string, b: string, by?: string) => this.call<ComparisonPage>("comparison", { evaluation_id_a: a, evaluation_id_b: b, by });
  rows = (id: string, query: Partial<RowQuery>, cursor?: string) => this.call<RowsPage>("rows", { evaluation_id: id, query, cursor });
  flips = (a: string, b: string, query: Partial<FlipQuery>, cursor?: string) =>
    this.call<FlipsPage>("flips", { evaluation_id_a: a, evaluation_id_b: b, query, cursor });
  list = (cursor?: string) => this.call<ListPage>("list", { cursor });
  status = (id: string) => this.call<StatusPage>("status", { evaluation_id: id });
  stop = (id: string) => this.call<unknown>("stop", { evaluation_id: id });
  label = (id: string, said: LabelSaid) => this.call<LabelsPage>("label", { evaluation_id: id, ...said });
  mark = (id: string, said: Said) => this.call<MarkAnswer>("mark", { evaluation_id: id, ...said });

  private async call<T>(name: string, args: Record<string, unknown>): Promise<T> {
    let answer: Response;
    try {
      answer = await fetch("call", {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${this.token}` },
        body: JSON.stringify({ name, arguments: args }),
      });
    } catch {
      throw new Failed("The viewer no longer answers: it ends with its terminal, or after 30 minutes without a call. Start `evals-mcp view` again.");
    }
    const body = (await answer.json().catch(() => ({}))) as { error?: string };
    if (!answer.ok) throw new Failed(body.error ?? `The viewer answered ${answer.status}.`);
    return body as T;
  }
}
