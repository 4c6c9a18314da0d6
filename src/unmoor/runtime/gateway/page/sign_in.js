// Asks for the token, and verifies it.

import { ask, keepToken } from "./api.js";
import { el, setText } from "./dom.js";

export function signInView({ says, signedIn }) {
  const wrong = el("p", { id: "wrong", class: "wrong", role: "alert" }, says);
  const input = el("input", {
    id: "token", type: "password", autocomplete: "off", spellcheck: "false", required: true, "aria-describedby": "token-help wrong",
  });
  const button = el("button", { type: "submit", class: "primary" }, "Sign in");
  const form = el(
    "form", { class: "sign-in" },
    el("h1", { tabindex: "-1" }, "Sign in"),
    el("label", { for: "token" }, "API token"),
    input,
    el("p", { id: "token-help", class: "help" }, "The token of this agent’s HTTP API. This tab keeps it until you sign out or close it. ",
      el("code", {}, "unmoor dev"), " prints its token and a sign-in link when it starts."),
    wrong,
    el("div", { class: "buttons" }, button),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    const problem = await tried(input.value.trim());
    button.disabled = false;
    if (!problem) return signedIn();
    setText(wrong, problem);
    input.focus();
  });
  return { title: "Sign in", nodes: [form], focus: input, stop() {} };
}

async function tried(token) {
  if (!/^[\x21-\x7e]+$/.test(token)) return "A token has no spaces and only ASCII characters.";
  keepToken(token);
  try {
    await ask("runs?limit=1");
    return "";
  } catch (error) {
    keepToken("");
    return error.status === 401 ? "This gateway rejects the token." : error.message;
  }
}
