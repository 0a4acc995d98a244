// A conversation to test the page in: the bridge of an application, with the real AppBridge of
// `@modelcontextprotocol/ext-apps`. Tools are called by the test, which holds the server.

import { AppBridge, PostMessageTransport } from "ext-apps/app-bridge";

const page = window as any;
page.messages = [];
page.heights = [];

const VARIABLES = {
  "--color-background-primary": "light-dark(#fffdf9, #262624)",
  "--color-background-secondary": "light-dark(#f4f1ea, #31302d)",
  "--color-text-primary": "light-dark(#1f1e1c, #f5f4ef)",
  "--color-text-secondary": "light-dark(#5e5c56, #b8b5a9)",
  "--color-border-secondary": "light-dark(#dcd8cc, #4a4843)",
  "--border-radius-md": "10px",
};

interface Options { html: string; frame: string; theme?: string; variables?: boolean; capabilities: object; tool?: object; display?: string }

/** Puts the page into a frame of another origin, and resolves once it has introduced itself. */
page.open = async ({ html, frame, theme, variables, capabilities, tool, display = "inline" }: Options) => {
  if (theme) document.documentElement.style.colorScheme = document.documentElement.dataset.theme = theme;
  const card = document.createElement("div");
  card.className = "card";
  const element = document.createElement("iframe");
  element.title = "Evaluation";
  element.setAttribute("sandbox", "allow-scripts allow-same-origin");
  card.append(element);
  document.getElementById("conversation")!.append(card);
  const inner = () => element.contentWindow!;
  const ready = new Promise<void>((done) => {
    addEventListener("message", ({ source, data }) => {
      if (source !== inner() || data?.jsonrpc !== "2.0") return;
      if (data.method === "ui/notifications/sandbox-proxy-ready") return done();
      page.messages.push(data);
    });
  });
  element.src = `https://sandbox.test/?${frame}`;
  await ready;
  const bridge: any = new AppBridge(null as any, { name: "test", version: "1" }, capabilities as any, {
    hostContext: {
      ...(theme ? { theme } : {}), ...(variables ? { styles: { variables: VARIABLES } } : {}), ...(tool ? { toolInfo: { tool } } : {}),
      displayMode: display, availableDisplayModes: ["inline", "fullscreen"], containerDimensions: { maxHeight: 9000 }, locale: "en-GB", timeZone: "UTC", platform: "web",
    },
  } as any);
  const initialized = new Promise<void>((done) => { bridge.oninitialized = () => done(); });
  bridge.onsizechange = ({ width, height }: any) => { page.heights.push([width, height]); if (height) element.style.height = `${height}px`; };
  bridge.oncalltool = (params: any) => page.callTool(params);
  bridge.onmessage = async () => ({});
  bridge.onupdatemodelcontext = async () => ({});
  bridge.onrequestdisplaymode = async ({ mode }: any) => {
    card.classList.toggle("full", mode === "fullscreen");
    bridge.sendHostContextChange({ displayMode: mode });
    return { mode };
  };
  await bridge.connect(new PostMessageTransport(inner(), inner()));
  await bridge.sendSandboxResourceReady({ html });
  await initialized;
  page.bridge = bridge;
  page.frame = element;
};
