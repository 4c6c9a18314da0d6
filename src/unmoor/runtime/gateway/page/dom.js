// Elements are made here and nowhere else. Text is always text, so that nothing from outside becomes markup.

/** An element with attributes, properties that begin with `on`, and children: elements, texts, or nothing. */
export function el(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** Sets an element's text where it differs, so that nothing is read out or repainted for nothing. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
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
