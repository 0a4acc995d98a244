// The model of a client, as in model_pipe.py.
import { createInterface } from "node:readline/promises";

export const target = JSON.parse(process.argv[2]);
export const view = process.argv[3];

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const write = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

export function offer(tools) {
  write({
    tools: tools.map(({ name, description, inputSchema }) => ({
      name,
      description,
      parameters: inputSchema,
    })),
  });
}

export const show = (seen) =>
  write({ seen: typeof seen === "string" ? seen : JSON.stringify(seen) });

export async function nextCall() {
  const { value, done } = await lines.next();
  return done ? null : JSON.parse(value);
}
