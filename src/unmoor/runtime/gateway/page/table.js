// What the lists have in common: a table, the way to other pages, and being asked for again while they are looked at.

import { el } from "./dom.js";

const MOST_MS = 30000;

/** A table with a name and the columns `[heading, class]`. */
export function tableOf(name, columns) {
  const head = el("thead", {}, el("tr", {}, columns.map(([text, kind]) => el("th", { scope: "col", class: kind }, text))));
  const body = el("tbody");
  return { whole: el("table", { hidden: true }, el("caption", { class: "unseen" }, name), head, body), body };
}

/** Links to the first page and the next one; nothing where there is but one. */
export function pager({ page, cursor, next }) {
  if (!cursor && !next) return "";
  const newest = cursor ? el("a", { class: "button", href: `#/${page}` }, "Newest") : null;
  const older = next ? el("a", { class: "button", href: `#/${page}?after=${encodeURIComponent(next)}` }, "Older") : null;
  return el("nav", { class: "pager", "aria-label": "Older and newer" }, newest, older);
}

/** Does it now and again and again while the page is seen: after `everyMs`, or the time that it gives itself; less often
 * while it fails, and at once where it is asked to. */
export function repeated(act, { everyMs, failed }) {
  const leaving = new AbortController();
  let [timer, failures, turns] = [0, 0, 0];

  async function once() {
    clearTimeout(timer);
    if (leaving.signal.aborted) return;
    const turn = (turns += 1);
    let wait = everyMs;
    try {
      wait = (document.hidden ? 0 : await act(leaving.signal)) || everyMs;
      failures = 0;
    } catch (error) {
      if (leaving.signal.aborted) return;
      failures += 1;
      wait = Math.min(MOST_MS, everyMs * 2 ** (failures - 1));
      failed(error, once, { trying: !(error.status >= 400 && error.status < 500) });
      if (error.status >= 400 && error.status < 500) return;
    }
    if (!leaving.signal.aborted && turn === turns) timer = setTimeout(once, wait);
  }
  const woken = () => { if (!document.hidden) once(); };
  document.addEventListener("visibilitychange", woken);
  once();
  return {
    now: once,
    stop() {
      leaving.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", woken);
    },
  };
}
