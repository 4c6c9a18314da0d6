// Starts a run.

import { ask } from "./api.js";
import { el, setText } from "./dom.js";

export function newView({ shell, agent }) {
  const wrong = el("p", { id: "wrong", class: "wrong", role: "alert" });
  const prompt = el("textarea", { id: "prompt", rows: "8", required: true, "aria-describedby": "prompt-help wrong" });
  const session = el("input", { id: "session", maxlength: "512", autocomplete: "off", "aria-describedby": "session-help" });
  const button = el("button", { type: "submit", class: "primary" }, "Start run");
  const form = el(
    "form", { class: "new" },
    el("label", { for: "prompt" }, "Prompt"),
    prompt,
    el("p", { id: "prompt-help", class: "help" }, `The task for ${agent}. Ctrl+Enter starts the run.`),
    el("label", { for: "session" }, "Session ", el("span", { class: "optional" }, "(optional)")),
    session,
    el("p", { id: "session-help", class: "help" }, "Runs of one session share a conversation and a workspace, and run one after another."),
    wrong,
    el("div", { class: "buttons" }, button, el("a", { class: "button", href: "#/runs" }, "Back to runs")),
  );
  prompt.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    setText(wrong, "");
    try {
      const body = { prompt: prompt.value, ...(session.value ? { session: session.value } : {}) };
      const started = await ask("runs", { method: "POST", body });
      shell.go(`#/runs/${started.id}`);
    } catch (error) {
      if (error.status === 401) return shell.failed(error);
      setText(wrong, error.message);
      prompt.focus();
    } finally {
      button.disabled = false;
    }
  });
  return { title: "New run", nodes: [el("h1", { tabindex: "-1" }, "New run"), form], focus: prompt, stop() {} };
}
