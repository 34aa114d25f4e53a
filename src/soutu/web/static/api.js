/**
 * Requests to the server.
 *
 *     const tags = await api.get("tags");
 *     const page = await api.post("search", { terms: [{ text: "cat" }] }, { signal });
 *     await api.patch("tag", { threshold: 0.6 }, { params: { name: "cat" } });
 *     await api.post("search", form);                       // a FormData goes as multipart
 *     for await (const line of api.lines("tagging", body)) …  // NDJSON
 *
 * Errors are ApiError with `kind`, `message` (the server's words, for people) and `status` (0: the
 * server could not be reached). An aborted request throws AbortError: see `isAbort`. A 401 asks
 * for the token once and sends the request again.
 */

/** What went wrong with a request. */
export class ApiError extends Error {
  constructor(kind, message, status) {
    super(message);
    this.name = "ApiError";
    this.kind = kind;
    this.status = status;
  }
}

/** Tell whether an error only says that a request was called off. */
export const isAbort = (error) => error?.name === "AbortError";

let askForToken = null;
let asking = null;

/** Name the function that gets a token from the reader; it resolves when there is a session. */
export function onUnauthorized(ask) {
  askForToken = ask;
}

/** Return the address of an API path with query parameters; lists repeat, null is left out. */
export function address(path, params = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const each of [value].flat()) {
      if (each !== null && each !== undefined && each !== "") query.append(name, each);
    }
  }
  const text = query.toString();
  return `/api/${path}${text ? `?${text}` : ""}`;
}

/** Return the address of a picture's thumbnail; `side` is that of its longer side in pixels. */
export const thumbnail = (id, side = 384) => address(`images/${id}/thumbnail`, { side });

async function send(method, path, body, { params, signal } = {}) {
  const form = body instanceof FormData;
  const asked = {
    method,
    signal,
    credentials: "same-origin",
    headers: body === undefined || form ? {} : { "content-type": "application/json" },
    body: body === undefined || form ? body : JSON.stringify(body),
  };
  const answer = await reach(address(path, params), asked);
  if (answer.status !== 401 || !askForToken) return checked(answer);
  asking ??= askForToken().finally(() => {
    asking = null;
  });
  await asking;
  return checked(await reach(address(path, params), asked));
}

async function reach(url, asked) {
  try {
    return await fetch(url, asked);
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError("Unreachable", "", 0);
  }
}

async function checked(answer) {
  if (answer.ok) return answer;
  let said = null;
  try {
    said = (await answer.json()).error;
  } catch {
    // A proxy between us and the server answers in its own words.
  }
  throw new ApiError(said?.kind ?? "HTTP", said?.message ?? answer.statusText, answer.status);
}

async function json(method, path, body, options) {
  const answer = await send(method, path, body, options);
  return answer.status === 204 ? null : answer.json();
}

async function* lines(path, body, options) {
  const answer = await send("POST", path, body, options);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const parts = (rest + (value ?? "")).split("\n");
    rest = done ? "" : parts.pop();
    for (const part of parts) if (part) yield JSON.parse(part);
    if (done) return;
  }
}

/** One method a verb; `options` are `params` (query parameters) and `signal`. */
export const api = {
  get: (path, params, options = {}) => json("GET", path, undefined, { ...options, params }),
  post: (path, body, options) => json("POST", path, body ?? {}, options),
  patch: (path, body, options) => json("PATCH", path, body, options),
  delete: (path, params, options = {}) => json("DELETE", path, undefined, { ...options, params }),
  lines,
};
