// Server-sent events out of text that comes in pieces: https://html.spec.whatwg.org/multipage/server-sent-events.html

/** Gives each whole part of the texts that it is fed: its `event`, `data`, `id`, `retry`; empty for a comment. */
export function partReader() {
  let rest = "";
  return (text) => {
    const pieces = (rest + text).split("\n\n");
    rest = pieces.pop();
    return pieces.map(part);
  };
}

function part(text) {
  const fields = {};
  for (const line of text.split("\n")) {
    const at = line.indexOf(":");
    if (at > 0) fields[line.slice(0, at)] = line.slice(at + 1).replace(/^ /, "");
  }
  return fields;
}
