// The sign of each status: a shape of its own, so that colour is never all that tells them apart.

const SVG = "http://www.w3.org/2000/svg";
const CIRCLE = "M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13z";
const SHAPES = {
  __proto__: null,
  queued: ["M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z", { dashed: true }],
  running: ["M8 1.5a6.5 6.5 0 1 1-6.5 6.5", { inner: "M8 7.9v.2" }],
  succeeded: [CIRCLE, { filled: true, inner: "M5 8.2l2.1 2.1L11 6" }],
  failed: [CIRCLE, { filled: true, inner: "M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8" }],
  timed_out: ["M3.5 1.8h9M3.5 14.2h9M4.5 2c0 3.5 2.3 4.5 3.5 6-1.2 1.5-3.5 2.5-3.5 6M11.5 2c0 3.5-2.3 4.5-3.5 6 1.2 1.5 3.5 2.5 3.5 6", {}],
  cancelled: [CIRCLE, { inner: "M3.6 12.4l8.8-8.8" }],
  over_budget: ["M8 1.5l6.5 12.5h-13z", { inner: "M8 6v3.8M8 11.6v.6" }],
  lost: ["M8 1.5l6.5 6.5-6.5 6.5-6.5-6.5z", { inner: "M6.3 6.3c.2-2 3.4-1.9 3.4 0 0 1.3-1.7 1.3-1.7 2.5M8 10.8v.5" }],
};
const NAMES = { __proto__: null, timed_out: "timed out", over_budget: "over budget" };

/** A status as people read it. */
export function statusText(status) {
  return NAMES[status] ?? status;
}

/** The status's sign and name. */
export function statusMark(status) {
  const mark = document.createElement("span");
  mark.className = `status ${SHAPES[status] ? status : "lost"}`;
  mark.append(icon(status), statusText(status));
  return mark;
}

function icon(status) {
  const [outline, { dashed, filled, inner }] = SHAPES[status] ?? SHAPES.lost;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.append(path(outline, filled ? "filled" : "line", dashed));
  if (inner) svg.append(path(inner, filled ? "cut" : "line"));
  return svg;
}

function path(d, kind, dashed) {
  const made = document.createElementNS(SVG, "path");
  made.setAttribute("d", d);
  made.setAttribute("class", kind);
  if (dashed) made.setAttribute("stroke-dasharray", "2.6 2.1");
  return made;
}
