// Requests to the gateway. The token is kept for this tab alone, and goes out in a header and nowhere else.

const KEY = "unmoor.token";
const PATIENCE_MS = 30000;
let kept = "";

/** What the gateway refused, or, with status 0, that it could not be asked. */
export class Fault extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function token() {
  try {
    return kept || (sessionStorage.getItem(KEY) ?? "");
  } catch {
    return kept;
  }
}

/** Keeps a token, or forgets it where none is given. A browser that stores nothing has it until the page is left. */
export function keepToken(text) {
  kept = text;
  try {
    if (text) sessionStorage.setItem(KEY, text);
    else sessionStorage.removeItem(KEY);
  } catch {
    // kept in memory
  }
}

/** The values that a request is answered with. */
export async function ask(path, { method = "GET", body, signal } = {}) {
  const limit = AbortSignal.timeout(PATIENCE_MS);
  const signals = signal ? AbortSignal.any([signal, limit]) : limit;
  const answer = await open(path, { method, body, signal: signals, leaving: signal });
  try {
    return await answer.json();
  } catch (error) {
    throw unreachable(error, signal);
  }
}

/** A request's answer as it comes; a Fault where it is a refusal. */
export async function open(path, { method = "GET", body, signal, headers = {}, leaving = signal } = {}) {
  const given = { ...headers, authorization: `Bearer ${token()}` };
  if (body !== undefined) given["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method, signal, headers: given, cache: "no-store", credentials: "omit", redirect: "error",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    throw unreachable(error, leaving);
  }
  if (!answer.ok) throw new Fault(answer.status, await reason(answer));
  return answer;
}

function unreachable(error, leaving) {
  if (leaving?.aborted) return error;
  return new Fault(0, "The gateway does not answer.");
}

async function reason(answer) {
  try {
    return (await answer.json()).error.message;
  } catch {
    return `The gateway answered ${answer.status}.`;
  }
}
