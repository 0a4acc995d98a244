// The wire of MCP Apps (io.modelcontextprotocol/ui, 2026-01-26) from the side of the page: JSON-RPC
// by messages between this frame and the one that holds it.

export interface HostContext {
  theme?: string;
  styles?: { variables?: Record<string, unknown> };
  displayMode?: string;
  availableDisplayModes?: string[];
  safeAreaInsets?: { top: number; right: number; bottom: number; left: number };
  toolInfo?: { tool?: { name?: string } };
}

export interface HostCapabilities { serverTools?: object; message?: object; updateModelContext?: object }

export interface ToolResult {
  content?: { type: string; text?: string }[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
  resultType?: string;
  _meta?: Record<string, unknown>;
}

interface Handlers {
  input(args: Record<string, unknown>, partial: boolean): void;
  result(result: ToolResult): void;
  cancelled(): void;
  context(context: HostContext): void;
  teardown(): void;
}

const VERSION = "2026-01-26";
const ANSWER_MS = 60_000;
const SIZE_MS = 40;

/** The conversation did not answer in time: what was asked for may have happened. */
export class NoAnswer extends Error {}

export class Host {
  context: HostContext = {};
  capabilities: HostCapabilities = {};
  private next = 1;
  private waiting = new Map<unknown, { ok(value: any): void; no(error: Error): void; timer: number }>();
  private height = 0;
  private timer = 0;
  private ended = false;

  /** Listens from now on, since what a conversation says once is not said again. */
  constructor(private handlers: Handlers, private holder: Window = window.parent) {
    window.addEventListener("message", this.receive);
  }

  async connect(): Promise<void> {
    const answer = await this.request("ui/initialize", {
      appInfo: { name: "evals-mcp", version: "1" },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
      protocolVersion: VERSION,
    });
    this.capabilities = answer.hostCapabilities ?? {};
    this.merge(answer.hostContext ?? {});
    this.notify("ui/notifications/initialized", {});
  }

  request(method: string, params: object, ms = ANSWER_MS): Promise<any> {
    if (this.ended) return Promise.reject(new Error("This page was closed."));
    const id = this.next++;
    return new Promise((ok, no) => {
      const timer = window.setTimeout(() => {
        this.waiting.delete(id);
        no(new NoAnswer("The conversation did not answer."));
      }, ms);
      this.waiting.set(id, { ok, no, timer });
      this.send({ id, method, params });
    });
  }

  notify(method: string, params: object): void { this.send({ method, params }); }

  /** Says how high the page is, once for each height. No width: some frames would never grow back. */
  size(height: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      if (height === this.height || this.ended) return;
      this.height = height;
      this.notify("ui/notifications/size-changed", { height });
    }, SIZE_MS);
  }

  private receive = (event: MessageEvent): void => {
    // Only the frame that holds this page speaks for the conversation; its origin cannot be known.
    const message = event.data;
    if (event.source !== this.holder || message?.jsonrpc !== "2.0") return;
    if (typeof message.method === "string") return this.asked(message);
    const waiting = this.waiting.get(message.id);
    if (!waiting) return;
    this.waiting.delete(message.id);
    window.clearTimeout(waiting.timer);
    if (message.error) waiting.no(new Error(String(message.error.message ?? "The conversation refused.")));
    else waiting.ok(message.result ?? {});
  };

  private asked({ id, method, params = {} }: any): void {
    switch (method) {
      case "ui/notifications/tool-input-partial": return this.handlers.input(params.arguments ?? {}, true);
      case "ui/notifications/tool-input": return this.handlers.input(params.arguments ?? {}, false);
      case "ui/notifications/tool-result": return this.handlers.result(params);
      case "ui/notifications/tool-cancelled": return this.handlers.cancelled();
      case "ui/notifications/host-context-changed": return this.merge(params);
      case "ui/resource-teardown": this.end(); return this.send({ id, result: {} });
      case "ping": return this.send({ id, result: {} });
    }
    if (id !== undefined) this.send({ id, error: { code: -32601, message: "Method not found" } });
  }

  private end(): void {
    this.ended = true;
    window.clearTimeout(this.timer);
    for (const { timer } of this.waiting.values()) window.clearTimeout(timer);
    this.waiting.clear();
    this.handlers.teardown();
  }

  private merge(context: HostContext): void {
    this.context = { ...this.context, ...context };
    this.handlers.context(this.context);
  }

  // The origin of the holder is unknown, so nothing secret is ever sent.
  private send(message: object): void { this.holder.postMessage({ jsonrpc: "2.0", ...message }, "*"); }
}
