/** The jobs of late, kept fresh by the server's events. */

import { api } from "../api.js";
import { toastError } from "../components/toast.js";
import { Element, css } from "../element.js";
import { events } from "../events.js";
import { JobCard } from "./job.js";
import { ENDED } from "./told.js";

/** Jobs, newest first: all that run or wait, and the last that ended. `kinds` null: of all kinds.
 * `ready` resolves when they are shown for the first time. */
export class JobList extends Element {
  static styles = css`so-job-list { display: flex; flex-direction: column; gap: var(--space-3); }
    so-job-list:empty { display: none; }`;

  #cards = new Map();

  constructor({ kinds = null, ended = 1 } = {}) {
    super();
    this.kinds = kinds;
    this.ended = ended;
  }

  connected() {
    this.listen(events, "job", ({ detail }) => this.take(detail));
    this.listen(events, "connection", ({ detail: up }) => up && this.#load());
    this.ready = this.#load();
  }

  /** Whether something runs or waits. */
  get busy() {
    return [...this.#cards.values()].some(({ job }) => !ENDED.includes(job.state));
  }

  /** Show a job, old or new. */
  take(job) {
    if (this.kinds && !this.kinds.includes(job.kind)) return;
    let card = this.#cards.get(job.id);
    if (!card) {
      card = new JobCard();
      this.#cards.set(job.id, card);
      const after = [...this.children].find((each) => Number(each.job.id) < Number(job.id));
      this.insertBefore(card, after ?? null);
    }
    card.show(job);
    this.#tidy();
    this.emit("jobs", job);
  }

  async #load() {
    try {
      const jobs = await api.get("jobs", {}, { signal: this.signal });
      for (const job of jobs.reverse()) this.take(job);
    } catch (error) {
      toastError(error);
    }
  }

  #tidy() {
    const asked = (job) => JSON.stringify([job.kind, job.title]);
    const open = new Set([...this.children].map(({ job }) => job).filter(({ state }) => !ENDED.includes(state)).map(asked));
    const ended = [...this.children].filter(({ job }) => ENDED.includes(job.state));
    // What is being done again need not be offered again.
    const old = ended.filter(({ job }, i) => i >= this.ended || open.has(asked(job)));
    for (const card of old) {
      card.remove();
      this.#cards.delete(card.job.id);
    }
  }
}

customElements.define("so-job-list", JobList);
