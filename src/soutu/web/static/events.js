/**
 * What the server tells by itself (server-sent events), shared by the whole page.
 *
 *     this.listen(events, "job", ({ detail: job }) => …);      // any job's change
 *     this.listen(events, "changed", () => this.refresh());    // the library changed
 *     this.listen(events, "connection", ({ detail: up }) => …) // lost or back
 *
 * A hidden page lets go of its connection, as browsers allow six a server; when it is seen again,
 * or the server is back, "changed" is told once, for what was missed.
 */

const NAMES = ["job", "changed"];
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;

class Events extends EventTarget {
  #source = null;
  #wait = FIRST_WAIT;
  #timer = 0;
  #missed = false;
  /** Whether the server is there, as far as is known. */
  up = true;

  /** Begin to listen; called by the app once. */
  start() {
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#close();
      else this.#open();
    });
    if (!document.hidden) this.#open();
  }

  #open() {
    if (this.#source) return;
    clearTimeout(this.#timer);
    const source = new EventSource("/api/events");
    this.#source = source;
    source.addEventListener("open", () => this.#opened());
    source.addEventListener("error", () => this.#failed());
    for (const name of NAMES) {
      source.addEventListener(name, ({ data }) => this.#tell(name, JSON.parse(data)));
    }
  }

  #opened() {
    this.#wait = FIRST_WAIT;
    this.#connection(true);
    if (this.#missed) this.#tell("changed", {});
    this.#missed = false;
  }

  #failed() {
    this.#close();
    this.#connection(false);
    this.#timer = setTimeout(() => {
      if (!document.hidden) this.#open();
    }, this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
    this.#missed = true;
  }

  #connection(up) {
    if (this.up !== up) {
      this.up = up;
      this.#tell("connection", up);
    }
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

export const events = new Events();
