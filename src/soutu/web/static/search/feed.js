/**
 * The pictures that answer a question, page by page.
 *
 *     const feed = new Feed(question);
 *     feed.addEventListener("page", …);     // more items, or a fault
 *     await feed.more();
 */

import { api, isAbort } from "../api.js";
import { visitor } from "../kept.js";
import { library } from "../library.js";

const FIRST = 100; // quickly something to look at, then longer pages
const PAGE = 500;
const LEAST_RATIO = 0.45; // of width to height; beyond, pictures are shown cropped
const MOST_RATIO = 3.2;

/** Answers of one question; `close` calls off what is under way. */
export class Feed extends EventTarget {
  #cursor = null;
  #seen = new Set();
  #loading = null;
  #abort = new AbortController();
  #session = null; // decided with the first page, for all of them
  #impression = null; // what the log of an experiment calls this answer

  items = [];
  /** How many pictures there are; null where nobody knows until the end. */
  total = null;
  /** How many of the items match; the rest are near misses. */
  matches = 0;
  /** The place of the first near miss, null while all items match or where there is no such line. */
  split = null;
  done = false;
  fault = null;

  constructor(question) {
    super();
    this.question = question;
  }

  /** Load the next page; resolves when it is there. Several calls share one request. */
  more() {
    if (this.done || this.fault) return Promise.resolve();
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  /** Call off what is under way. */
  close() {
    this.#abort.abort();
  }

  /** Say what the reader did with a picture: "open", "like", "unlike" or "label". */
  tell(action, picture) {
    if (!this.#impression || !this.#seen.has(picture)) return;
    // Nothing the reader waits for; where it fails, the log lacks a click.
    api.post("experiments/events", { impression: this.#impression, picture, action }).catch(() => {});
  }

  /** Forget a fault and go on. */
  retry() {
    this.fault = null;
    return this.more();
  }

  async #load() {
    const k = this.items.length ? PAGE : FIRST;
    // A question in the address is asked at once: whether it is part of an experiment must be known.
    await library.ready.catch(() => {});
    try {
      const page = await this.#ask(k);
      this.#cursor = page.cursor;
      this.done = !page.cursor;
      this.seconds ??= page.seconds;
      this.#impression ??= page.impression ?? null;
      if (page.total !== undefined) this.total = page.total;
      this.#take(page.hits ?? page.images);
    } catch (error) {
      if (isAbort(error)) return;
      this.fault = error;
    }
    if (!this.#abort.signal.aborted) this.dispatchEvent(new CustomEvent("page"));
  }

  #ask(k) {
    const { signal } = this.#abort;
    const cursor = this.#cursor;
    if (this.question.ranks) {
      this.#session ??= library.experiment ? { session: visitor() } : {};
      return api.post("search", this.question.body({ k, cursor, ...this.#session }), { signal });
    }
    return api.get("images", { where: this.question.where(), k, cursor }, { signal });
  }

  #take(found) {
    const sorted = this.question.isSorted && (!this.#impression || inOrder(found));
    for (const { id, path, info, relevance, by_name: named } of found) {
      if (this.#seen.has(id)) continue;
      this.#seen.add(id);
      const matches = relevance === undefined || relevance >= library.minRelevance || named === true;
      if (matches) this.matches += 1;
      else if (this.split === null && sorted) this.split = this.items.length;
      const ratio = info.width > 0 && info.height > 0 ? info.width / info.height : 1;
      this.items.push({
        id, path, matches, relevance, own: ratio,
        ratio: Math.min(Math.max(ratio, LEAST_RATIO), MOST_RATIO),
      });
    }
  }

  /** Whether there are hits, but none that matches. */
  get missed() {
    return this.question.ranks && this.items.length > 0 && this.matches === 0;
  }

  /** Whether the number of matches is final. */
  get counted() {
    return this.done || this.split !== null;
  }
}

/** Return a file's name. */
export const nameOf = (path) => path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);

/** Whether hits come in the order of their relevance; those of two ways in one list do not. */
const inOrder = (found) => found.every(({ relevance }, n) => n === 0 || relevance <= found[n - 1].relevance);
