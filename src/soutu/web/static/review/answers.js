/**
 * What was answered in this visit, and its way to the server: one after the other, none lost.
 *
 *     answers.give(question, true | false | null)   // null: skipped, which only this page knows
 *     await answers.takeBack()                      // the question of the last answer, or null
 *     answers.failed, answers.retry()               // what did not reach the server, and why
 *
 * "change" is dispatched whenever one of these figures changes. The module is kept while the page
 * is open, so going to another view forgets nothing.
 */

import { api } from "../api.js";

const keyOf = ({ id, tag }) => `${id} ${tag}`;

class Answers extends EventTarget {
  #given = []; // {question, value}, oldest first: what can be taken back
  #queue = []; // what has yet to reach the server
  #sending = null;
  #passed = new Set(); // questions that are not asked again
  /** Why the first of `failed` could not be saved; null while all goes well. */
  error = null;
  said = 0;

  constructor() {
    super();
    window.addEventListener("beforeunload", (event) => {
      if (this.#queue.length) event.preventDefault();
    });
  }

  /** How many answers wait for another try. */
  get failed() {
    return this.error ? this.#queue.length : 0;
  }

  /** Whether there is an answer to take back. */
  get any() {
    return this.#given.length > 0;
  }

  /** How many questions were passed; that many more must be asked for to find new ones. */
  get passed() {
    return this.#passed.size;
  }

  /** Tell whether a question was answered or skipped. */
  knows(question) {
    return this.#passed.has(keyOf(question));
  }

  /** Take an answer. */
  give(question, value) {
    this.#given.push({ question, value });
    this.#passed.add(keyOf(question));
    if (value !== null) {
      this.said += 1;
      this.#send({ picture: question.id, [value ? "yes" : "no"]: [question.tag] });
    }
    this.#tell();
  }

  /** Take the last answer back; returns its question, null where there is none. */
  takeBack() {
    const last = this.#given.pop();
    if (!last) return null;
    this.#passed.delete(keyOf(last.question));
    if (last.value !== null) {
      this.said -= 1;
      this.#send({ picture: last.question.id, clear: [last.question.tag] });
    }
    this.#tell();
    return last.question;
  }

  /** Let skipped questions be asked again. */
  forgetSkipped() {
    for (const { question, value } of this.#given) if (value === null) this.#passed.delete(keyOf(question));
    this.#given = this.#given.filter(({ value }) => value !== null);
    this.#tell();
  }

  /** Whether some were skipped. */
  get skipped() {
    return this.#given.some(({ value }) => value === null);
  }

  /** Try again to save what failed. */
  retry() {
    this.error = null;
    this.#tell();
    return this.#run();
  }

  /** Give up the answer that the server refuses, and go on with the others. */
  drop() {
    this.#queue.shift();
    return this.retry();
  }

  /** Resolves when everything has been tried. */
  get idle() {
    return this.#sending ?? Promise.resolve();
  }

  #send(label) {
    this.#queue.push(label);
    this.#run();
  }

  #run() {
    this.#sending ??= this.#work().finally(() => {
      this.#sending = null;
    });
    return this.#sending;
  }

  async #work() {
    while (this.#queue.length && !this.error) {
      try {
        await api.post("labels", this.#queue[0]);
        this.#queue.shift();
      } catch (error) {
        this.error = error;
      }
      this.#tell();
    }
  }

  #tell() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}

export const answers = new Answers();
