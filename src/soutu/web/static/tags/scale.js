/**
 * The axis of a tag's histogram. Most pictures do not hold a tag, so what matters crowds near zero:
 * places go with the square root of the probability, heights with that of the count.
 */

/** Return the place 0..1 of a probability. */
export const placeOf = (probability) => Math.sqrt(Math.min(Math.max(probability, 0), 1));

/** Return the probability at a place 0..1. */
export const probabilityAt = (place) => Math.min(Math.max(place, 0), 1) ** 2;

/** Probabilities written under the axis; the narrow page leaves out every second one. */
export const TICKS = [0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1];

/**
 * Share counts in bins of probability out among bars of equal width on the axis.
 *
 * @param {number[]} edges  n + 1 probabilities
 * @param {number[]} counts  n counts
 * @param {number} bars
 * @returns {number[]} a count for each bar; their sum is that of the counts
 */
export function rebinned(edges, counts, bars) {
  const out = new Array(bars).fill(0);
  counts.forEach((count, i) => {
    if (!count) return;
    const from = placeOf(edges[i]) * bars;
    const to = placeOf(edges[i + 1]) * bars;
    for (let bar = Math.floor(from); bar < Math.min(Math.ceil(to), bars); bar += 1) {
      const share = Math.min(to, bar + 1) - Math.max(from, bar);
      out[bar] += count * (to > from ? share / (to - from) : 1);
    }
  });
  return out;
}
