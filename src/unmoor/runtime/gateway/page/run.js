// One run: its status, results and live log.

import { ask, open } from "./api.js";
import { confirmed, el, setText } from "./dom.js";
import { follow } from "./follow.js";
import { count, duration, firstLine, moment, money, size } from "./format.js";
import { statusMark, statusText } from "./icons.js";
import { Log } from "./log.js";
import { repeated } from "./table.js";

const FRESH_MS = 3000;
const FINAL = ["succeeded", "failed", "timed_out", "cancelled", "over_budget", "lost"];
const LONG = 600;

export function runView({ shell, id }) {
  const leaving = new AbortController();
  const log = new Log({ shell });
  const drawn = makeDrawn(shell, id);
  const state = { run: null };

  async function refresh(signal) {
    const run = await ask(`runs/${encodeURIComponent(id)}`, { signal });
    const before = state.run;
    state.run = run;
    shell.well();
    drawn.update(run);
    if (!before) begin(run);
    else if (before.status !== run.status) shell.said(`The run is ${statusText(run.status)}.`);
    if (FINAL.includes(run.status)) fresh.stop();
  }
  function begin(run) {
    log.begin({ live: !FINAL.includes(run.status), since: Date.parse(run.started_at ?? run.created_at) });
    follow(id, {
      signal: leaving.signal,
      came: (events) => {
        log.add(events);
        if (events.some((event) => event.type === "run.started")) fresh.now();
      },
      state: (word, ms) => { log.state(word, ms); if (word === "ended") fresh.now(); },
    }).catch((error) => shell.failed(error));
  }
  const fresh = repeated(refresh, { everyMs: FRESH_MS, failed: shell.failed });
  const clock = setInterval(() => state.run && drawn.tick(state.run), 1000);
  return {
    title: `Run ${id}`,
    nodes: [drawn.whole, log.whole],
    focus: drawn.heading,
    stop() { leaving.abort(); fresh.stop(); clearInterval(clock); log.stop(); },
  };
}

function makeDrawn(shell, id) {
  const heading = el("h1", { tabindex: "-1" }, "Run ", el("code", {}, id));
  const [status, facts, more] = [el("p", { class: "run-status" }), el("dl", { class: "facts" }), el("div")];
  const took = el("dd", { class: "number" });
  const cancel = el("button", { type: "button", class: "danger", hidden: true, onclick: () => cancelRun(shell, id, cancel) }, "Cancel run");
  const top = el("div", { class: "heading" }, heading, status, cancel);
  const before = { facts: "", parts: "" };
  return {
    heading,
    whole: el("section", { class: "run", "aria-label": "The run" }, top, facts, more),
    tick: (run) => setText(took, duration(run, Date.now())),
    update(run) {
      this.tick(run);
      const [whole, parts] = [JSON.stringify(run), JSON.stringify([run.reason, run.answer, run.artifacts])];
      if (whole !== before.facts) {
        status.replaceChildren(statusMark(run.status));
        facts.replaceChildren(...factsOf(run, took));
        cancel.hidden = FINAL.includes(run.status);
      }
      if (parts !== before.parts) more.replaceChildren(...partsOf(run, shell));
      [before.facts, before.parts] = [whole, parts];
    },
  };
}

function factsOf(run, took) {
  const tokens = `${count(run.usage.input)} in, ${count(run.usage.output)} out`;
  const facts = [
    ["Trigger", run.trigger.name === run.trigger.kind ? run.trigger.name : `${run.trigger.name} (${run.trigger.kind})`],
    ["Harness", run.harness.version === "none" ? run.harness.name : `${run.harness.name} ${run.harness.version}`],
    ["Model", run.model ? `${run.model.provider}/${run.model.name}` : "–"],
    ["Started", moment(run.started_at)],
    ["Duration", took],
    ["Cost", money(run.cost_usd)],
    ["Tokens", run.usage.requests || run.usage.input ? tokens : "–"],
    ["Session", run.session || "–"],
    ["Attempt", run.attempt > 1 ? String(run.attempt) : ""],
    ["Confinement", run.confinement],
  ];
  return facts.filter(([, value]) => value).map(([name, value]) =>
    el("div", {}, el("dt", {}, name), value instanceof Node ? value : el("dd", {}, value)));
}

function partsOf(run, shell) {
  const parts = [];
  if (run.reason) parts.push(el("p", { class: "reason" }, el("strong", {}, "Reason: "), run.reason));
  parts.push(textPart("Prompt", run.prompt));
  if (run.answer) parts.push(textPart("Answer", run.answer));
  if (run.artifacts.length) parts.push(artifacts(run, shell));
  return parts;
}

/** A text with its heading; a long one is folded after its first line. */
function textPart(name, text) {
  const whole = el("div", { class: "text" }, text);
  const long = text.length > LONG || text.split("\n").length > 8;
  const shown = long ? el("details", {}, el("summary", {}, firstLine(text, 120)), whole) : whole;
  return el("section", { class: "part" }, el("h2", {}, name), shown);
}

function artifacts(run, shell) {
  const rows = run.artifacts.map((artifact) => {
    const name = artifact.path.split("/").at(-1);
    const button = el("button", { type: "button", "aria-label": `Download ${artifact.path}`, onclick: () => download(shell, run.id, artifact, button) }, "Download");
    return el("tr", {}, el("th", { scope: "row", class: "wide path", title: name }, artifact.path), el("td", { class: "number" }, size(artifact.size_bytes)), el("td", { class: "act" }, button));
  });
  const head = el("tr", {}, el("th", { scope: "col", class: "wide" }, "Path"), el("th", { scope: "col", class: "number" }, "Size"), el("th", { scope: "col", class: "act" }, el("span", { class: "unseen" }, "Download")));
  const table = el("table", { class: "artifacts" }, el("caption", { class: "unseen" }, "Artifacts"), el("thead", {}, head), el("tbody", {}, rows));
  return el("section", { class: "part" }, el("h2", {}, "Artifacts"), table);
}

/** Fetched with the token, and handed to the browser as a file: it is never opened as a page. */
async function download(shell, id, artifact, button) {
  button.disabled = true;
  try {
    const path = artifact.path.split("/").map(encodeURIComponent).join("/");
    const answer = await open(`runs/${id}/artifacts/${path}`);
    const file = new Blob([await answer.blob()], { type: "application/octet-stream" });
    const url = URL.createObjectURL(file);
    el("a", { href: url, download: artifact.path.split("/").at(-1) }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
    shell.said(`${artifact.path} was downloaded.`);
  } catch (error) {
    shell.failed(error, () => download(shell, id, artifact, button));
  } finally {
    button.disabled = false;
  }
}

async function cancelRun(shell, id, button) {
  if (!(await confirmed("Cancel this run? Its results so far stay.", { go: "Cancel run", stay: "Keep running" }))) return;
  button.disabled = true;
  try {
    await ask(`runs/${id}/cancel`, { method: "POST" });
    shell.said("Cancellation requested.");
  } catch (error) {
    shell.failed(error, () => cancelRun(shell, id, button));
  } finally {
    button.disabled = false;
  }
}
