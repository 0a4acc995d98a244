// Figures as text, as `evals_mcp/results/number_text.py` writes them: no rounding hides a sign, a
// bound or the width of an interval. The page counts nothing itself.

export const NBSP = "\u00a0";
export const MINUS = "\u2212";
const EN = "\u2013";
const MOST_DIGITS = 12;

/** Rounds half to even, as the server does; `toFixed` rounds such ends up. */
function plain(value: number, digits: number): string {
  const scaled = Math.abs(value) * 10 ** digits;
  // A tie has so few bits that both products are exact.
  const tie = Number.isInteger(value * 2 ** (digits + 1)) && scaled % 1 === 0.5;
  const down = tie && Math.floor(scaled) % 2 === 0;
  const text = down ? (Math.floor(scaled) / 10 ** digits).toFixed(digits) : Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `-${text}` : text;
}

const hides = (value: number, digits: number, bounds: readonly number[]) =>
  !bounds.includes(value) && bounds.includes(Number(plain(value, digits)));

const shown = (text: string) => text.replace("-", MINUS);

export function fixed(value: number, digits = 1, bounds: readonly number[] = [0]): string {
  while (digits < MOST_DIGITS && hides(value, digits, bounds)) digits++;
  return shown(plain(value, digits));
}

export const percent = (value: number) => `${fixed(value, 1, [0, 100])}${NBSP}%`;

export function signed(value: number, digits = 1): string {
  const text = fixed(value, digits);
  return value === 0 || text.startsWith(MINUS) ? text : `+${text}`;
}

export function range(low: number, high: number, digits = 1, bounds: readonly number[] = [0]): string {
  while (
    digits < MOST_DIGITS &&
    ((low !== high && plain(low, digits) === plain(high, digits)) || hides(low, digits, bounds) || hides(high, digits, bounds))
  )
    digits++;
  const between = low < 0 || high < 0 ? " to " : EN;
  return shown(plain(low, digits)) + between + shown(plain(high, digits));
}

export const percentRange = (low: number, high: number) => range(low, high, 1, [0, 100]);

/** A score with four significant digits, without zeros that say nothing. */
export const score = (value: number, digits = 4) => shown(String(Number(value.toPrecision(digits))));

export function scoreRange(low: number, high: number): string {
  let digits = 4;
  while (low !== high && digits < MOST_DIGITS && low.toPrecision(digits) === high.toPrecision(digits)) digits++;
  return score(low, digits) + (low < 0 || high < 0 ? " to " : EN) + score(high, digits);
}

/** A whole number with thin spaces between thousands. */
export const count = (value: number) => String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");

export const counted = (value: number, noun: string) => `${count(value)}${NBSP}${noun}${value === 1 ? "" : "s"}`;

export function pText(p: number): string {
  return p < 0.001 ? `p${NBSP}<${NBSP}0.001` : `p${NBSP}=${NBSP}${fixed(p, 3, [0.05])}`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return `under 1${NBSP}s`;
  if (seconds < 90) return `${Math.round(seconds)}${NBSP}s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)}${NBSP}min`;
  return `${(seconds / 3600).toFixed(1)}${NBSP}h`;
}

export function ticks(min: number, max: number, about = 5): number[] {
  const least = (max - min) / about || 1;
  const magnitude = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * magnitude).find((s) => s >= least - 1e-9) ?? least;
  const out: number[] = [];
  for (let k = Math.ceil(min / step - 1e-9); k * step <= max + step * 1e-6; k++) out.push(Number((k * step).toPrecision(12)));
  return out;
}

/** Round ends of an axis around 0 on which all values lie. */
export function around(values: number[]): [number, number] {
  const most = Math.max(...values.map(Math.abs), 1e-9) * 1.15;
  const magnitude = 10 ** Math.floor(Math.log10(most));
  const end = ([1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((m) => m * magnitude >= most) ?? 10) * magnitude;
  return [-end, end];
}
