/** What this browser remembers between visits. */

/** Return a remembered text, null where there is none (or the browser remembers nothing). */
export function recall(key) {
  try {
    return localStorage.getItem(`soutu.${key}`);
  } catch {
    return null;
  }
}

/** Remember a text; null forgets it. */
export function remember(key, value) {
  try {
    if (value === null) localStorage.removeItem(`soutu.${key}`);
    else localStorage.setItem(`soutu.${key}`, value);
  } catch {
    // A browser that keeps nothing still works; it only asks again next time.
  }
}

/** A random text that tells this browser from others while an experiment runs; it names nobody. */
export function visitor() {
  let key = recall("visitor");
  if (!key) {
    key = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
    remember("visitor", key);
  }
  return key;
}
