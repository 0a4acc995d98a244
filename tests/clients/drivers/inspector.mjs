// The inspector's command line: one process per call; the model sees the whole result.
// The third argument is the era of the protocol.
import { execFile } from "node:child_process";
import { nextCall, offer, show, target } from "./model_pipe.mjs";

const variables = Object.entries(target.env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
const command = [
  "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js",
  "--cli",
  ...["--format", "json", "--quiet", "--cwd", target.cwd, "--protocol-era", process.argv[4]],
  ...["--client-config", `${target.cwd}/client.json`],
  ...variables,
];

function inspect(...request) {
  return new Promise((resolve) => {
    const full = [...command, ...request, "--", target.command, ...target.args];
    execFile(process.execPath, full, (error, stdout, stderr) => {
      resolve({ stdout, stderr, code: error?.code ?? 0 });
    });
  });
}

const listed = await inspect("--method", "tools/list", "--strict");
if (listed.code) throw new Error(listed.stderr);
offer(JSON.parse(listed.stdout).result.tools);
for (let call; (call = await nextCall()); ) {
  const [name, values] = call;
  const request = ["--tool-name", name, "--tool-args-json", JSON.stringify(values)];
  const { stdout, stderr } = await inspect("--method", "tools/call", ...request);
  show(stdout || stderr); // an error of the command itself is only on standard error
}
