// The data of the page in a conversation: tools of the server, called through the conversation.

import type { ComparisonPage, CreateEvaluationOutput, EvaluationPage, FlipQuery, FlipsPage, LabelsPage, MarkAnswer, RowQuery, RowsPage, StatusPage } from "../shapes";
import { Failed, type LabelSaid, type Said, type Source } from "../source";
import { NoAnswer, type Host, type ToolResult } from "./host";

const CARRIES_PAGE = ["create_evaluation", "get_evaluation", "compare_evaluations"];
/** Planning reads the data set and the prices of the service. */
const START_MS = 300_000;

/** Arguments of the tool that brought the page, which also shape its further data. */
export interface Figures { by?: string; cluster_column?: string; key?: string }

/** The structured answer of a tool; undefined where a conversation kept none of it. */
export function structured(result: ToolResult): Record<string, any> | undefined {
  const text = result.content?.find((part) => part.type === "text")?.text;
  if (result.isError) throw new Failed(text || "The tool failed.");
  if (result.resultType === "input_required") throw new Failed("The server has a question for you, which it can ask in the conversation only. Ask for it there.");
  const data = result.structuredContent;
  return data && Object.keys(data).length ? data : undefined;
}

export class AppSource implements Source {
  readonly kind = "app";
  /** By evaluation: what shows that a mark or a label comes from this page, and not from a model. */
  private tickets = new Map<string, string>();
  constructor(private host: Host, private figures: Figures = {}) {}

  evaluation = (id: string, by?: string) => {
    const { cluster_column } = this.figures;
    return this.data<EvaluationPage>("evaluation", id, undefined, by ? { by } : { cluster_column });
  };
  comparison = (a: string, b: string, by?: string) => {
    const { key, cluster_column } = this.figures;
    return this.data<ComparisonPage>("comparison", a, b, by ? { key, by } : { key, cluster_column });
  };
  rows = (id: string, query: Partial<RowQuery>, cursor?: string) => this.data<RowsPage>("rows", id, undefined, { query, cursor });
  flips = (a: string, b: string, query: Partial<FlipQuery>, cursor?: string) =>
    this.data<FlipsPage>("flips", a, b, { key: this.figures.key, query, cursor });
  status = (id: string) => this.data<StatusPage>("status", id);

  stop = async (id: string) => {
    structured(await this.call("cancel_evaluation", { evaluation_id: id }));
    this.tell(`The user has stopped ${id} on the page.`);
  };

  /** Nobody can mark or label where a conversation passes no tickets on. */
  get mark() { return this.tickets.size ? (id: string, mark: Said) => this.send<MarkAnswer>(id, { mark }) : undefined; }
  get label() { return this.tickets.size ? (id: string, label: LabelSaid) => this.send<LabelsPage>(id, { label }) : undefined; }

  private async send<T>(id: string, said: object): Promise<T> {
    const found = structured(await this.call("mark_row", { evaluation_id: id, ...said, ticket: this.tickets.get(id) }));
    if (!found?.data) throw new Failed("No answer has come: read the rows again to see whether it was stored.");
    return found.data as T;
  }

  /** Starts what was planned; the click of a person is the agreement that `confirm` stands for. */
  async start(args: Record<string, unknown>): Promise<CreateEvaluationOutput> {
    let result: ToolResult;
    try {
      result = await this.call("create_evaluation", args, START_MS);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      throw new Failed("No answer has come, so it may have been started. Ask in the conversation for the list of evaluations before you start it again.");
    }
    const created = structured(result) as CreateEvaluationOutput | undefined;
    if (!created?.outcome) throw new Failed("The answer is empty, so it may have been started. Ask in the conversation for the list of evaluations.");
    if (created.evaluation_id) this.tell(`The user has started ${created.evaluation_id} on the page.`);
    return created;
  }

  /** Tells the model what it would not see; each text takes the place of the one before. */
  tell(text: string): void {
    if (!this.host.capabilities.updateModelContext) return;
    this.host.request("ui/update-model-context", { content: [{ type: "text", text }] }).catch(() => {});
  }

  private async data<T>(view: string, evaluation_id: string, against?: string, options: object = {}): Promise<T> {
    const set = Object.fromEntries(Object.entries(options).filter(([, value]) => value != null));
    const args = { view, evaluation_id, ...(against && { against }), ...(Object.keys(set).length && { options: set }) };
    const result = await this.call("page_data", args), found = structured(result), ticket = result._meta?.ticket;
    if (typeof ticket === "string") this.tickets.set(evaluation_id, ticket);
    if (!found?.data) throw new Failed("The conversation passed no data on.");
    return found.data as T;
  }

  /** Some applications put the name of the server before each tool; the tool shown here says how. */
  private call(name: string, args: object, ms?: number): Promise<ToolResult> {
    const shown = this.host.context.toolInfo?.tool?.name ?? "";
    const own = CARRIES_PAGE.find((each) => shown.endsWith(each));
    const prefix = own ? shown.slice(0, -own.length) : "";
    return this.host.request("tools/call", { name: prefix + name, arguments: args }, ms);
  }
}
