// Elements are made here and nowhere else. Text is always text, so that nothing from outside becomes markup.

// Controls, and marks that reorder or hide text; joiners stay, which some scripts and emoji need.
const HIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u115f\u1160\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\uffa0\ufeff\u{e0000}-\u{e007f}]/gu;
// Attributes that people read.
const READ = ["title", "aria-label"];

/** The text with each hidden character as JSON writes it, so that no name is read as another. */
export function visible(text) {
  return String(text).replace(HIDDEN, (sign) => [...Array(sign.length).keys()].map((at) => `\\u${sign.charCodeAt(at).toString(16).padStart(4, "0")}`).join(""));
}

/** An element with attributes, properties that begin with `on`, and children: elements, texts, or nothing. */
export function el(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, READ.includes(name) ? visible(value) : value);
  }
  made.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== "").map((child) => (child instanceof Node ? child : visible(child))));
  return made;
}

/** Sets an element's text where it differs, so that nothing is read out or repainted for nothing. */
export function setText(element, text) {
  const shown = visible(text);
  if (element.textContent !== shown) element.textContent = shown;
}

/** Asks before something that cannot be undone; true where the person goes on. */
export function confirmed(question, { go, stay }) {
  return new Promise((answer) => {
    const heading = el("h2", { id: "question" }, question);
    const keep = el("button", { type: "button", onclick: () => dialog.close("") }, stay);
    const on = el("button", { type: "button", class: "danger", onclick: () => dialog.close("go") }, go);
    const dialog = el("dialog", { "aria-labelledby": "question" }, heading, el("div", { class: "buttons" }, keep, on));
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "go");
    });
    document.body.append(dialog);
    dialog.showModal();
    keep.focus();
  });
}
