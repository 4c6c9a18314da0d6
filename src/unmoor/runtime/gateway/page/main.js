// The page: views, sign-in and errors.

import { Fault, ask, keepToken, token } from "./api.js";
import { deliveriesView } from "./deliveries.js";
import { el, setText } from "./dom.js";
import { listView } from "./list.js";
import { newView } from "./new.js";
import { runView } from "./run.js";
import { signInView } from "./sign_in.js";

const main = document.getElementById("main");
const pages = document.getElementById("pages");
const leave = document.getElementById("leave");
const fault = document.getElementById("fault");
const app = { about: null, here: "", view: null };

/** The functions that views share. */
const shell = {
  said: (text) => setText(document.getElementById("said"), text),
  go: (hash) => { location.hash = hash; },
  failed: showFault,
  well: () => { fault.hidden = true; fault.replaceChildren(); },
  signedOut: () => signOut("The token was rejected. Sign in again."),
};

addEventListener("hashchange", () => show());
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
leave.addEventListener("click", () => signOut(""));
takeTokenFromAddress();
show({ first: true });

/** A token in the address's fragment never reaches a server; it is taken out of the address and the history at once. */
function takeTokenFromAddress() {
  const given = new URLSearchParams(location.hash.replace(/^#\/?/, "")).get("token");
  if (!given) return;
  keepToken(given);
  history.replaceState(null, "", `${location.pathname}#/runs`);
}

async function show({ first = false } = {}) {
  app.view?.stop();
  app.view = null;
  shell.well();
  takeTokenFromAddress();
  if (!token()) return signIn("");
  try {
    app.about ??= await about();
  } catch (error) {
    return error.status === 401 ? shell.signedOut() : showFault(error, () => show({ first }));
  }
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  await open(path || "runs", new URLSearchParams(query ?? ""), first);
}

async function about() {
  const description = await ask("openapi.json");
  return { agent: description.info.title.replace(/^unmoor: /, ""), deliveries: Boolean(description.paths["/deliveries"]) };
}

async function open(path, query, first) {
  const [page, id, ...more] = path.split("/");
  const given = { shell, query, agent: app.about.agent };
  const views = {
    __proto__: null,
    runs: () => (id ? runView({ ...given, id }) : listView(given)),
    new: () => newView(given),
    deliveries: () => deliveriesView(given),
  };
  const make = more.length ? undefined : views[page];
  place(make ? make() : nothingView(), page, first);
}

function place(view, page, first) {
  app.view = view;
  main.replaceChildren(...view.nodes);
  document.title = `${view.title} · ${app.about.agent} · unmoor`;
  setText(document.getElementById("agent"), app.about.agent);
  pages.hidden = leave.hidden = false;
  for (const link of pages.querySelectorAll("a")) {
    if (link.dataset.page === "deliveries") link.hidden = !app.about.deliveries;
    if (link.dataset.page === page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (first) return;
  scrollTo(0, 0);
  (view.focus ?? main.querySelector("h1"))?.focus();
}

function signIn(says) {
  pages.hidden = leave.hidden = true;
  setText(document.getElementById("agent"), "");
  document.title = "Sign in · unmoor";
  const view = signInView({ says, signedIn: () => show() });
  app.view = view;
  main.replaceChildren(...view.nodes);
  view.focus.focus();
}

function signOut(says) {
  app.view?.stop();
  app.about = null;
  keepToken("");
  shell.well();
  signIn(says);
}

/** Shows an error in one line, with a button to retry where that may help. */
function showFault(error, again, { trying = false } = {}) {
  if (error.status === 401) return shell.signedOut();
  const known = error instanceof Fault;
  if (!known) console.error(error);
  const says = (known ? error.message : "Something on this page failed; see the browser console.") + (trying ? " Retrying." : "");
  if (fault.firstChild?.textContent === says && !fault.hidden) return;
  const retry = again && el("button", { type: "button", onclick: () => { shell.well(); again(); } }, "Try again");
  fault.replaceChildren(el("p", {}, says), ...(retry ? [retry] : []));
  fault.hidden = false;
}

function nothingView() {
  const back = el("p", {}, el("a", { href: "#/runs" }, "All runs"));
  return { title: "Not found", nodes: [el("h1", { tabindex: "-1" }, "This page does not exist"), back], stop() {} };
}
