// The events of a run received so far, and their entries in the log.

export class RunEvents {
  constructor() {
    this.events = [];
    this.entries = [];
    this.calls = new Map();
  }

  /** Adds events and returns the entries that changed. A tool result joins the entry of its call. */
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
