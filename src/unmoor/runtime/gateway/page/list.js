// The runs, newest first, a page at a time; what is shown is kept fresh while it is looked at.

import { ask } from "./api.js";
import { el, setText } from "./dom.js";
import { duration, firstLine, moment, money } from "./format.js";
import { statusMark } from "./icons.js";
import { pager, repeated, tableOf } from "./table.js";

const PAGE = 50;
// Looking costs the gateway's store a request for each run: where nothing goes on it is done less often.
const FRESH_MS = 4000;
const QUIET_MS = 10000;
const GOING_ON = ["queued", "running"];
const COLUMNS = [
  ["Status", "status-cell"], ["Run", "wide"], ["Trigger", "minor"], ["Model", "minor"],
  ["Started", "minor when"], ["Duration", "minor number"], ["Cost", "minor number"],
];

export function listView({ shell, query }) {
  const cursor = query.get("after") ?? "";
  const table = tableOf("Runs, newest first", COLUMNS);
  const under = el("div", { class: "under" });
  const rows = new Map();
  const seen = { statuses: null, below: "" };

  async function refresh(signal) {
    const found = await ask(`runs?limit=${PAGE}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`, { signal });
    shell.well();
    drawRows(table.body, rows, found.runs);
    table.whole.hidden = found.runs.length === 0;
    const below = `${found.runs.length > 0} ${found.next_cursor}`;
    if (below !== seen.below) under.replaceChildren(found.runs.length ? "" : empty(cursor), pager({ page: "runs", cursor, next: found.next_cursor }));
    seen.below = below;
    announce(found.runs, seen, shell);
    return found.runs.some((run) => GOING_ON.includes(run.status)) ? FRESH_MS : QUIET_MS;
  }
  const fresh = repeated(refresh, { everyMs: FRESH_MS, failed: shell.failed });
  const clock = setInterval(() => rows.forEach((row) => row.tick()), 1000);
  const heading = el("div", { class: "heading" }, el("h1", { tabindex: "-1" }, "Runs"), el("a", { class: "button primary", href: "#/new" }, "New run"));
  return {
    title: "Runs",
    nodes: [heading, table.whole, under],
    stop() { fresh.stop(); clearInterval(clock); },
  };
}

/** Brings the rows up to date in place, so that the focus and what is being read stay where they are. */
function drawRows(body, rows, runs) {
  const wanted = new Set(runs.map((run) => run.id));
  for (const [id, row] of rows) {
    if (!wanted.has(id)) { row.element.remove(); rows.delete(id); }
  }
  runs.forEach((run, at) => {
    if (!rows.has(run.id)) rows.set(run.id, makeRow(run));
    const row = rows.get(run.id);
    row.update(run);
    if (body.children[at] !== row.element) body.insertBefore(row.element, body.children[at] ?? null);
  });
}

function makeRow(first) {
  const parts = {
    status: el("td", { class: "status-cell" }), took: el("td", { class: "minor number" }), cost: el("td", { class: "minor number" }),
    started: el("td", { class: "minor when" }), small: el("span", { class: "small" }),
  };
  const model = first.model?.name ?? "";
  const link = el("a", { href: `#/runs/${first.id}`, title: first.id }, firstLine(first.prompt) || first.id);
  const element = el(
    "tr", {}, parts.status, el("th", { scope: "row", class: "wide" }, link, parts.small),
    el("td", { class: "minor" }, first.trigger.name), el("td", { class: "minor", title: model }, model || "–"), parts.started, parts.took, parts.cost,
  );
  let [run, drawn] = [first, ""];
  return {
    element,
    tick() {
      const took = duration(run, Date.now());
      setText(parts.took, took);
      setText(parts.small, [run.trigger.name, moment(run.started_at ?? run.created_at), took, money(run.cost_usd)].filter((text) => text !== "–").join(" · "));
    },
    update(now) {
      run = now;
      this.tick();
      const state = JSON.stringify([run.status, run.started_at, run.cost_usd]);
      if (state === drawn) return;
      drawn = state;
      parts.status.replaceChildren(statusMark(run.status));
      setText(parts.started, moment(run.started_at ?? run.created_at));
      setText(parts.cost, money(run.cost_usd));
    },
  };
}

/** Says in a few words what changed, to those who do not see it. */
function announce(runs, seen, shell) {
  const before = seen.statuses;
  seen.statuses = new Map(runs.map((run) => [run.id, run.status]));
  if (!before) return;
  const fresh = runs.filter((run) => !before.has(run.id)).length;
  const changed = runs.filter((run) => before.has(run.id) && before.get(run.id) !== run.status);
  const parts = [fresh ? `${fresh} new ${fresh === 1 ? "run" : "runs"}` : "", changed.length ? `${changed.length} changed` : ""];
  if (fresh || changed.length) shell.said(`${parts.filter(Boolean).join(", ")}.`);
}

function empty(cursor) {
  if (cursor) return el("p", { class: "empty" }, "There are no older runs.");
  const base = new URL(".", location.href);
  const command = `curl -H "Authorization: Bearer $TOKEN" ${new URL("runs", base).href} -d '{"prompt": "Good morning"}'`;
  return el(
    "div", { class: "empty" },
    el("p", {}, "No runs yet. ", el("a", { href: "#/new" }, "Start the first one here"), ", wait for a trigger, or start one from a shell:"),
    el("pre", { tabindex: "0", "aria-label": "A command that starts a run" }, command),
  );
}
