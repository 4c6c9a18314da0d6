// One entry of the log.

import { el } from "./dom.js";
import { count, firstLine, money, span } from "./format.js";

// A longer text is shown up to here; the raw event has all of it.
const MOST = 20000;

/** An entry, with its time since the run began. */
export function entryElement({ event, result }, since) {
  const [kind, label, ...content] = parts(event, result);
  return el("li", { class: `entry ${kind}` }, time(event, since), el("span", { class: "label" }, label), el("div", { class: "what" }, ...content));
}

/** An event just as it is. */
export function rawElement(event) {
  return el("li", { class: "entry raw" }, el("pre", {}, cut(JSON.stringify(event, null, 1))));
}

/** An entry's class, label and content. An event that is not as it should be is shown just as it is. */
function parts(event, result) {
  try {
    return (KINDS[event.type] ?? other)(event, result);
  } catch {
    return other(event);
  }
}

const KINDS = {
  __proto__: null,
  "run.started": (e) => ["quiet", "start", [e.harness, e.version === "none" ? "" : e.version, e.model && `with ${e.model}`].filter(Boolean).join(" "), sub(e.confinement)],
  message: (e) => ["message", "message", el("p", { class: "text" }, cut(e.text))],
  "tool.call": call,
  "tool.result": (e) => [e.is_error ? "tool bad" : "tool", "result", folded(firstLine(e.output) || "(no output)", e.is_error, [["Output", e.output]])],
  usage: (e) => ["quiet number", "usage", `${count(e.tokens.input)} tokens in, ${count(e.tokens.output)} out, ${money(e.cost_usd)}${e.estimated ? " estimated" : ""}`, sub(e.model)],
  notice: (e) => [e.level === "error" ? "bad" : e.level === "warning" ? "warning" : "quiet", e.level, el("p", { class: "text" }, cut(e.text))],
  "network.refused": (e) => ["warning", "refused", `${e.destination}: ${e.reason}`],
  "budget.exceeded": (e) => ["bad", "budget", `${e.cap}: ${money(e.spent_usd)} of ${money(e.limit_usd)} spent`],
  "run.finished": (e) => [e.status === "succeeded" ? "end good" : "end bad", "end", e.status.replace("_", " ") + (e.reason ? `: ${e.reason}` : ""), sub(e.cost_usd === null ? "" : money(e.cost_usd))],
};

function other(event) {
  return ["quiet", String(event.type ?? "event"), folded("(raw event)", false, [["Event", JSON.stringify(event, null, 1)]])];
}

function call(event, result) {
  const state = result ? (result.is_error ? "failed" : "") : "no result yet";
  const texts = [["Input", event.input], ...(result ? [[result.is_error ? "Error" : "Output", result.output]] : [])];
  const kind = result?.is_error ? "tool bad" : "tool";
  return [kind, "tool", folded(firstLine(event.input, 120), false, texts, event.name, state)];
}

/** A line that unfolds; what is behind it is made when it is first opened. */
function folded(line, isError, texts, name = "", state = "") {
  const summary = el("summary", {}, name && el("strong", {}, name), " ", el("span", { class: "line" }, line), state && el("span", { class: "state" }, state));
  const details = el("details", {}, summary);
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(...texts.map(([title, text]) => block(title, text)));
  });
  return details;
}

function block(title, text) {
  return el("figure", {}, el("figcaption", {}, title), el("pre", { tabindex: "0", "aria-label": title }, cut(pretty(text)) || "(empty)"));
}

/** JSON text with its members on lines of their own; anything else as it is. */
function pretty(text) {
  if (!/^[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function cut(text) {
  return text.length > MOST ? `${text.slice(0, MOST)}\n… ${count(text.length - MOST)} more characters` : text;
}

function sub(text) {
  return text ? el("span", { class: "sub" }, text) : null;
}

function time(event, since) {
  const at = Date.parse(event.at);
  if (Number.isNaN(at)) return el("span", { class: "at" });
  return el("time", { class: "at number", datetime: event.at, title: event.at }, `+${span(at - since)}`);
}
