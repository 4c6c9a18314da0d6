// A run's events as they come: by a stream, again from the last one where it breaks, and by asking where none passes.

import { Fault, ask, open } from "./api.js";
import { partReader } from "./sse.js";

// The gateway says something at once and then every 15 s at least; what stays silent longer is held up on the way.
const FIRST_MS = 8000;
const SILENT_MS = 40000;
const WAIT_S = 20;
const LONGEST_MS = 15000;

/**
 * Calls `came(events)` for all events after the number `after`, in order and each once, until the run has ended.
 * `state` is told "live", "polling", "away" with the milliseconds until the next try, or "ended".
 */
export async function follow(run, { after = 0, signal, came, state }) {
  const at = { after, streams: true, failures: 0, retryMs: 2000 };
  const take = (events) => {
    const fresh = events.filter((event) => event.n > at.after);
    if (fresh.length) at.after = fresh.at(-1).n;
    at.failures = 0;
    if (fresh.length) came(fresh);
  };
  while (!signal.aborted) {
    try {
      const over = at.streams ? await streamed(run, at, { signal, take, state }) : await polled(run, at, { signal, take, state });
      if (over) return state("ended");
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 401 || error.status === 404) throw error;
      if (at.streams && error.status === 503) at.streams = false;
      else await pause(at, { signal, state });
    }
  }
}

async function streamed(run, at, { signal, take, state }) {
  const cut = new AbortController();
  const watch = watchdog(cut);
  const headers = { accept: "text/event-stream", ...(at.after ? { "last-event-id": String(at.after) } : {}) };
  try {
    const answer = await open(`runs/${run}/events`, { headers, signal: AbortSignal.any([signal, cut.signal]), leaving: signal });
    if (answer.status === 204) return true;
    return await parts(answer, at, { take, state, watch });
  } catch (error) {
    if (watch.silentFirst()) at.streams = false;
    throw signal.aborted || error instanceof Fault ? error : new Fault(0, "The stream broke.");
  } finally {
    watch.stop();
  }
}

async function parts(answer, at, { take, state, watch }) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const read = partReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Fault(0, "The stream broke.");
    watch.alive();
    state("live");
    const found = read(value);
    for (const { retry } of found) if (/^\d+$/.test(retry ?? "")) at.retryMs = Number(retry);
    take(found.filter((each) => each.id).map((each) => JSON.parse(each.data)));
    if (found.some((each) => each.event === "end")) return true;
  }
}

async function polled(run, at, { signal, take, state }) {
  const answer = await ask(`runs/${run}/events?after=${at.after}&wait=${WAIT_S}`, { signal });
  state("polling");
  take(answer.events);
  return answer.done;
}

async function pause(at, { signal, state }) {
  const ms = Math.min(LONGEST_MS, (at.retryMs / 2) * 2 ** at.failures);
  at.failures = Math.min(at.failures + 1, 10);
  state("away", ms);
  await new Promise((go) => {
    const timer = setTimeout(go, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); go(); }, { once: true });
  });
}

function watchdog(cut) {
  let heard = false;
  let timer = setTimeout(() => cut.abort(), FIRST_MS);
  return {
    alive() {
      heard = true;
      clearTimeout(timer);
      timer = setTimeout(() => cut.abort(), SILENT_MS);
    },
    silentFirst: () => cut.signal.aborted && !heard,
    stop: () => clearTimeout(timer),
  };
}
