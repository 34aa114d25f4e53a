/**
 * What is known of the library being served, kept fresh.
 *
 *     library.status            // the answer of /api/status, null before the first one
 *     await library.ready       // the first status
 *     library.refresh()         // ask again; "status" is dispatched
 *     library.readOnly, library.minRelevance, library.experiment
 *     await library.tags()      // [Tag], asked once until the library changes
 */

import { api } from "./api.js";
import { debounce } from "./element.js";
import { events } from "./events.js";

class LibraryFacts extends EventTarget {
  #tags = null;
  status = null;

  constructor() {
    super();
    const later = debounce(() => this.refresh().catch(() => {}), 400);
    events.addEventListener("changed", () => {
      this.#tags = null;
      later();
    });
  }

  /** The first status there is. */
  get ready() {
    this.first ??= this.refresh().catch((error) => {
      this.first = null;
      throw error;
    });
    return this.first;
  }

  /** Ask the server how things are. */
  async refresh() {
    this.status = await api.get("status");
    this.dispatchEvent(new CustomEvent("status", { detail: this.status }));
    return this.status;
  }

  get readOnly() {
    return this.status?.read_only ?? false;
  }

  /** Whether searches take part in an experiment, and clicks are logged. */
  get experiment() {
    return (this.status?.experiment ?? null) !== null;
  }

  /** The relevance from which on a hit counts as a match. */
  get minRelevance() {
    return this.status?.min_relevance ?? 0.25;
  }

  /** Return the vocabulary; a failure is not kept. */
  tags() {
    this.#tags ??= api.get("tags").catch((error) => {
      this.#tags = null;
      throw error;
    });
    return this.#tags;
  }

  /** Forget the vocabulary, after a change of one's own. */
  forgetTags() {
    this.#tags = null;
  }
}

export const library = new LibraryFacts();
