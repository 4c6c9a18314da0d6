// All events of a run that have come, and the entries that they make in its log.

export class Kept {
  constructor() {
    this.events = [];
    this.entries = [];
    this.calls = new Map();
  }

  /** Takes events; gives the entries that one of them has changed. A tool's answer goes into the entry of its call. */
  add(events) {
    const changed = [];
    for (const event of events) {
      this.events.push(event);
      const call = event.type === "tool.result" ? this.calls.get(event.id) : undefined;
      if (call && !call.result) {
        call.result = event;
        changed.push(call);
        continue;
      }
      const entry = { at: this.entries.length, event, result: null };
      this.entries.push(entry);
      if (event.type === "tool.call" && event.id) this.calls.set(event.id, entry);
    }
    return changed;
  }
}
