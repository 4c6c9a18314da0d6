// Requests to the gateway. The token is stored for this tab only, and sent only in a header.

const KEY = "unmoor.token";
const PATIENCE_MS = 30000;
let kept = "";

/** An error response, or with status 0 an unreachable gateway. */
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

/** Stores a token, or deletes it if the text is empty. Without session storage, it lasts until the page is closed. */
export function keepToken(text) {
  kept = text;
  try {
    if (text) sessionStorage.setItem(KEY, text);
    else sessionStorage.removeItem(KEY);
  } catch {
    // kept in memory
  }
}

/** The JSON of a response. */
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

/** The response as it arrives; a Fault where it is an error. */
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
  return new Fault(0, "The gateway does not respond.");
}

async function reason(answer) {
  try {
    return (await answer.json()).error.message;
  } catch {
    return `The gateway answered ${answer.status}.`;
  }
}
