// promptfoo: its evaluation, called as a library, with an assertion that reads the label.
// It is given and tells what the drivers in Python do; see measured.py.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const WARM_UP = 4;
const [, , baseUrl, file, workers] = process.argv;
// The concurrency of an evaluation does not reach its connections, which are 4 when it is a library.
process.env.PROMPTFOO_FETCH_CONNECTIONS = workers;
const inPackages = createRequire(path.join(process.cwd(), 'package.json'));
const { default: promptfoo } = await import(pathToFileURL(inPackages.resolve('promptfoo')));

const rows = readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line).messages);

async function judge(chosen, inFlight) {
  const found = await promptfoo.evaluate(
    {
      prompts: ['[{"role": "system", "content": {{system | dump}}}, {"role": "user", "content": {{user | dump}}}]'],
      providers: [{ id: 'openai:chat:fixed', config: { apiBaseUrl: baseUrl, apiKey: 'none' } }],
      tests: chosen.map(([system, user]) => ({
        vars: { system: system.content, user: user.content },
        assert: [{ type: 'javascript', value: "JSON.parse(output).label === 'good'" }],
      })),
      writeLatestResults: false,
    },
    { maxConcurrency: inFlight, cache: false, showProgressBar: false },
  );
  const summary = await found.toEvaluateSummary();
  return summary.stats.successes;
}

// As in measured.py: maxRSS begins with whoever started this program.
function peakMb() {
  if (!existsSync('/proc/self/status')) return process.resourceUsage().maxRSS / 1024;
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
}

await judge(rows.slice(0, WARM_UP), WARM_UP);
const before = process.cpuUsage();
const started = performance.now();
const good = await judge(rows, Number(workers));
const seconds = (performance.now() - started) / 1000;
const used = process.cpuUsage(before);
console.log(
  JSON.stringify({
    seconds,
    cpu: (used.user + used.system) / 1e6,
    peak_mb: peakMb(),
    good,
  }),
);
process.exit(0);
