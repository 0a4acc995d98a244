// The inspector's command line: a process a call, and the whole result is what is seen.
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

function inspect(...asked) {
  return new Promise((resolve) => {
    const whole = [...command, ...asked, "--", target.command, ...target.args];
    execFile(process.execPath, whole, (failed, said, complained) => {
      resolve({ said, complained, code: failed?.code ?? 0 });
    });
  });
}

const listed = await inspect("--method", "tools/list", "--strict");
if (listed.code) throw new Error(listed.complained);
offer(JSON.parse(listed.said).result.tools);
for (let call; (call = await nextCall()); ) {
  const [name, values] = call;
  const asked = ["--tool-name", name, "--tool-args-json", JSON.stringify(values)];
  const { said, complained } = await inspect("--method", "tools/call", ...asked);
  show(said || complained); // an error of the command itself stands on standard error alone
}
