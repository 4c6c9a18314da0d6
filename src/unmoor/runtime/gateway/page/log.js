// A run's log: its events as entries or as they are, followed while they come.

import { el, setText } from "./dom.js";
import { entryElement, rawElement } from "./entry.js";
import { count } from "./format.js";
import { RunEvents } from "./run_events.js";
import { USUAL, Windowed } from "./windowed.js";

const SAY_MS = 8000;
const STATES = { live: "Live", polling: "Live, by polling", ended: "Ended" };

export class Log {
  constructor({ shell }) {
    this.shell = shell;
    this.received = new RunEvents();
    [this.following, this.over, this.since, this.unsaid, this.top] = [false, false, 0, 0, 0];
    this.list = el("ol", { class: "log", "aria-label": "Events" });
    this.shown = new Windowed(this.list, (item) => (this.rawBox.checked ? rawElement(item) : entryElement(item, this.since)));
    this.whole = this.makeWhole();
    this.scrolled = () => this.noteScroll();
    addEventListener("scroll", this.scrolled, { passive: true });
    this.saying = setInterval(() => this.say(), SAY_MS);
  }

  makeWhole() {
    this.stateText = el("span", { class: "log-state" });
    this.total = el("span", { class: "log-total number" });
    this.followBox = el("input", { type: "checkbox", onchange: () => this.setFollowing(this.followBox.checked) });
    this.followLabel = el("label", { class: "toggle" }, this.followBox, "Follow");
    this.rawBox = el("input", { type: "checkbox", onchange: () => this.showAs() });
    this.earlier = el("button", { type: "button", class: "more", hidden: true, onclick: () => this.showEarlier() });
    this.later = el("button", { type: "button", class: "more", hidden: true, onclick: () => this.showLater() });
    this.nothing = el("p", { class: "empty", hidden: true });
    const toggles = el("span", { class: "toggles" }, this.followLabel, el("label", { class: "toggle" }, this.rawBox, "Raw events"));
    const bar = el("div", { class: "log-bar" }, el("h2", {}, "Log"), this.stateText, this.total, toggles);
    return el("section", { class: "log-part", "aria-label": "Log" }, bar, this.earlier, this.list, this.nothing, this.later);
  }

  /** The run is known: whether it goes on, and when it began. */
  begin({ live, since }) {
    this.since = since;
    this.followLabel.hidden = !live;
    this.followBox.checked = this.following = live;
    this.showAs();
  }

  add(events) {
    const changed = this.received.add(events);
    if (!this.rawBox.checked) changed.forEach((entry) => this.shown.refresh(entry.at));
    this.unsaid += events.length;
    this.draw();
  }

  /** How the events come: "live", "polling", "ended", or "away" with the time until the next try. */
  state(word, ms) {
    setText(this.stateText, word === "away" ? `Disconnected, retrying in ${Math.ceil(ms / 1000)} s` : STATES[word]);
    this.stateText.className = `log-state ${word}`;
    if (word === "ended" && !this.over) this.end();
    this.draw();
  }

  end() {
    this.over = true;
    this.followLabel.hidden = true;
    this.say();
  }

  /** Shows entries, or the events as they are. */
  showAs() {
    this.shown.show(this.rawBox.checked ? this.received.events : this.received.entries);
    this.draw();
  }

  draw() {
    if (this.stopped) return;
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const more = this.shown.step({ newest: this.following });
      this.labels();
      if (this.following && !this.atBottom()) this.toBottom();
      if (more) this.draw();
      else if (this.over && this.following) this.setFollowing(false);
    });
  }

  labels() {
    const { before, after, items } = this.shown;
    this.earlier.hidden = before === 0;
    setText(this.earlier, `Show ${count(Math.min(USUAL, before))} of ${count(before)} earlier`);
    this.later.hidden = after === 0 || this.following;
    setText(this.later, `Show ${count(Math.min(USUAL, after))} of ${count(after)} more`);
    setText(this.total, `${count(items.length)} ${items.length === 1 ? "entry" : "entries"}`);
    this.nothing.hidden = items.length > 0;
    setText(this.nothing, this.over ? "This run has no events." : "No events yet. They appear here while the run writes them.");
  }

  showEarlier() {
    this.setFollowing(false);
    const first = this.shown.earlier();
    first.scrollIntoView({ block: "center" });
    this.labels();
    if (this.earlier.hidden) focusOn(this.list.firstElementChild);
  }

  showLater() {
    const next = this.shown.later();
    this.labels();
    focusOn(next);
  }

  setFollowing(on) {
    this.following = this.followBox.checked = on;
    if (on) this.toBottom();
    else this.shown.hold();
    this.draw();
  }

  toBottom() {
    scrollTo(0, document.documentElement.scrollHeight);
    this.top = document.documentElement.scrollTop;
  }

  /** Whoever scrolls up wants to read: what comes then must not take the page away. */
  noteScroll() {
    const top = document.documentElement.scrollTop;
    if (this.following && top < this.top - 4 && !this.atBottom()) this.setFollowing(false);
    this.top = top;
  }

  atBottom() {
    const page = document.documentElement;
    return page.scrollHeight - page.scrollTop - page.clientHeight < 4;
  }

  /** What came is summed up now and then for those who listen, never event by event. */
  say() {
    if (!this.unsaid) return;
    this.shell.said(`${count(this.unsaid)} new ${this.unsaid === 1 ? "event" : "events"} in the log.`);
    this.unsaid = 0;
  }

  stop() {
    this.stopped = true;
    clearInterval(this.saying);
    removeEventListener("scroll", this.scrolled);
  }
}

function focusOn(element) {
  if (!element) return;
  element.tabIndex = -1;
  element.focus();
}
