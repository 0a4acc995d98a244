// One of the packages of the TypeScript SDK, named by the third argument; a fourth lets the client
// negotiate the protocol. A host shows one part of an answer, and the text of an error.
import { createRequire } from "node:module";
import { nextCall, offer, show, target, view } from "./model_pipe.mjs";

const require = createRequire(`${process.cwd()}/`); // the folder of the packages
const [name, mode] = process.argv.slice(4);
const modules = {
  "@modelcontextprotocol/sdk": ["client/index.js", "client/stdio.js", "client/streamableHttp.js"],
  "@modelcontextprotocol/client": ["", "stdio"],
}[name];
const { Client, StdioClientTransport, StreamableHTTPClientTransport } = Object.assign(
  {},
  ...modules.map((module) => require(module ? `${name}/${module}` : name)),
);

const client = new Client(
  { name: "story", version: "1.0" },
  mode ? { versionNegotiation: { mode } } : {},
);
await client.connect(
  target.url
    ? new StreamableHTTPClientTransport(new URL(target.url))
    : new StdioClientTransport(target),
);
offer((await client.listTools()).tools);
for (let call; (call = await nextCall()); ) {
  const result = await client.callTool({ name: call[0], arguments: call[1] });
  const text = result.content.map((part) => part.text ?? "").join("\n");
  show((view === "structured" && result.structuredContent) || text);
}
await client.close();
