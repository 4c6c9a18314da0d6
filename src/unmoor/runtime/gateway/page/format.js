// Times, money and sizes as people read them.

const MOMENT = new Intl.DateTimeFormat(undefined, {
  day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});
const NUMBER = new Intl.NumberFormat("en");

/** An ISO time in the reader's zone, or a dash. */
export function moment(iso) {
  return iso ? MOMENT.format(new Date(iso)) : "–";
}

/** How long a run has taken until `now`, in milliseconds since 1970, or until its end. */
export function duration(run, now) {
  const begun = run.started_at ?? (run.ended_at ? run.created_at : null);
  if (!begun) return "–";
  return span((run.ended_at ? Date.parse(run.ended_at) : now) - Date.parse(begun));
}

/** Milliseconds as `0.4 s`, `12 s`, `3 m 05 s` or `2 h 07 m`, which no line's end parts. */
export function span(ms) {
  return spanText(ms).replaceAll(" ", "\u00a0");
}

function spanText(ms) {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours) return `${hours} h ${two(minutes)} m`;
  return `${minutes} m ${two(Math.floor(seconds) % 60)} s`;
}

/** US dollars from the API's exact text, to four places; a dash where nothing was priced. */
export function money(text) {
  if (text === null || text === undefined) return "–";
  const value = Number(text);
  if (value > 0 && value < 0.0001) return "< $0.0001";
  return `$${value.toFixed(value >= 100 ? 2 : 4)}`;
}

export function count(value) {
  return NUMBER.format(value ?? 0);
}

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit ? value.toFixed(1) : value} ${units[unit]}`;
}

/** A text's first line that is not empty, of at most `most` characters. */
export function firstLine(text, most = 160) {
  const line = (text ?? "").slice(0, 4000).split("\n").find((each) => each.trim()) ?? "";
  return line.length > most ? `${line.trim().slice(0, most)}…` : line.trim();
}

function two(value) {
  return String(value).padStart(2, "0");
}
