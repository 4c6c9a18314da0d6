// Deliveries to the agent's triggers, and their outcomes.

import { ask } from "./api.js";
import { el } from "./dom.js";
import { count, moment } from "./format.js";
import { pager, repeated, tableOf } from "./table.js";

const PAGE = 50;
const FRESH_MS = 8000;
const COLUMNS = [["Outcome", "status-cell"], ["Trigger", "trigger"], ["At", "minor when"], ["Reason", ""], ["Run", "minor run-cell"]];
const SIGNS = { __proto__: null, accepted: "good", refused: "bad" };

export function deliveriesView({ shell, query }) {
  const [cursor, trigger] = [query.get("after") ?? "", query.get("trigger") ?? ""];
  const table = tableOf("Deliveries, newest first", COLUMNS);
  const under = el("div", { class: "under" });
  let drawn = "";

  async function refresh(signal) {
    const asked = new URLSearchParams({ limit: String(PAGE), ...(cursor ? { cursor } : {}), ...(trigger ? { trigger } : {}) });
    const found = await ask(`deliveries?${asked}`, { signal });
    shell.well();
    const now = JSON.stringify(found);
    if (now === drawn) return;
    drawn = now;
    table.body.replaceChildren(...found.deliveries.map(row));
    table.whole.hidden = found.deliveries.length === 0;
    under.replaceChildren(found.deliveries.length ? "" : empty(trigger), pager({ page: "deliveries", cursor, next: found.next_cursor }));
  }
  const fresh = repeated(refresh, { everyMs: FRESH_MS, failed: shell.failed });
  const only = !trigger ? "" : el("p", {}, `Only ${trigger}. `, el("a", { href: "#/deliveries" }, "Show all"));
  return { title: "Deliveries", nodes: [el("h1", { tabindex: "-1" }, "Deliveries"), only, table.whole, under], stop: fresh.stop };
}

function row(delivery) {
  const kind = SIGNS[delivery.outcome] ?? "plain";
  const times = delivery.times > 1 ? ` (${count(delivery.times)} times within a minute)` : "";
  const run = delivery.run ? el("a", { href: `#/runs/${encodeURIComponent(delivery.run)}` }, delivery.run) : "–";
  const trigger = el("a", { href: `#/deliveries?trigger=${encodeURIComponent(delivery.trigger)}` }, delivery.trigger);
  return el(
    "tr", {},
    el("td", { class: "status-cell" }, el("span", { class: `outcome ${kind}` }, delivery.outcome)),
    el("th", { scope: "row", class: "trigger" }, trigger, el("span", { class: "kind" }, ` ${delivery.kind ?? ""}`)),
    el("td", { class: "minor when" }, moment(delivery.at)),
    el("td", { title: delivery.id }, (delivery.reason || (delivery.run ? "started a run" : "–")) + times, el("span", { class: "small" }, moment(delivery.at), delivery.run ? [" · ", el("a", { href: `#/runs/${encodeURIComponent(delivery.run)}` }, "run")] : null)),
    el("td", { class: "minor run-cell" }, run),
  );
}

function empty(trigger) {
  if (trigger) return el("p", { class: "empty" }, `No deliveries to ${trigger} yet.`);
  return el("p", { class: "empty" }, "No deliveries yet. Requests to ", el("code", {}, "POST /hooks/TRIGGER"),
    " appear here with their outcome: accepted, filtered or refused, and why.");
}
