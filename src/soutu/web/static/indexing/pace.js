/** How fast a job goes, from what it told of late. */

const WINDOW = 8000; // ms that count
const LEAST = 1500; // ms before a rate is worth telling

/** Take progress as it comes; `rate` is in units a second, `left` in seconds; null while unknown. */
export class Pace {
  #seen = [];
  #stage = "";
  rate = null;
  left = null;

  /** Take a Progress. */
  take({ stage, done, total }, now = performance.now()) {
    if (stage !== this.#stage || done < (this.#seen.at(-1)?.done ?? 0)) {
      this.#seen = [];
      this.#stage = stage;
    }
    this.#seen.push({ now, done });
    while (this.#seen.length > 2 && now - this.#seen[0].now > WINDOW) this.#seen.shift();
    const first = this.#seen[0];
    const known = now - first.now >= LEAST && done > first.done;
    this.rate = known ? ((done - first.done) / (now - first.now)) * 1000 : null;
    this.left = known && total ? (total - done) / this.rate : null;
  }
}
