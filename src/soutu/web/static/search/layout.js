/**
 * Rows of equal width for pictures of any shape (a justified layout), a page of items at a time.
 *
 * Rows keep only where they begin and how high they are, so 100,000 items cost a few thousand
 * small objects; places of single items are computed for the rows in sight.
 */

const TALLEST = 1.35; // how much higher than wished a row may be that is not full

/** A layout for a width; `rows` are `{ top, height, start, end }`. */
export class Layout {
  rows = [];
  next = 0; // the first item that has no lasting row yet
  height = 0;
  dividerTop = null;

  constructor({ width, target, gap, divider }) {
    Object.assign(this, { width, target, gap, divider });
  }

  /**
   * Lay out items that came; `done`: no more will come. `split` is where a divider stands.
   */
  extend(items, { done, split }) {
    if (this.loose) this.rows.pop();
    this.loose = false;
    this.height = this.rows.length ? this.#below() : 0;
    let start = this.next;
    let sum = 0;
    for (let i = start; i < items.length; i += 1) {
      if (i === split) {
        if (i > start) this.#add(start, i, sum, true);
        start = i;
        sum = 0;
        this.#divide();
      }
      const before = sum;
      sum += items[i].ratio;
      if (this.#heightOf(sum, i + 1 - start) > this.target) continue;
      const end = this.#fitsBetter(before, sum, i - start) && i > start ? i : i + 1;
      this.#add(start, end, end === i ? before : sum, false);
      start = end;
      sum = end === i ? items[i].ratio : 0;
      this.next = start;
    }
    if (start < items.length) {
      this.#add(start, items.length, sum, true);
      this.loose = !done;
      this.next = start;
    }
    this.height = this.rows.length ? this.#below() - this.gap : 0;
  }

  #below() {
    const last = this.rows.at(-1);
    const below = last.top + last.height + this.gap;
    return this.dividerTop !== null && this.dividerTop >= last.top ? below + this.divider : below;
  }

  #divide() {
    if (this.dividerTop !== null) return;
    this.dividerTop = this.height;
    this.height += this.divider;
  }

  #heightOf(sum, n) {
    return (this.width - this.gap * (n - 1)) / sum;
  }

  #fitsBetter(before, sum, n) {
    if (before === 0) return false;
    const loose = this.#heightOf(before, n) / this.target;
    const tight = this.target / this.#heightOf(sum, n + 1);
    return loose < tight && loose < TALLEST;
  }

  #add(start, end, sum, open) {
    const full = this.#heightOf(sum, end - start);
    const height = Math.round(open ? Math.min(full, this.target) : full);
    this.rows.push({ top: this.height, height, start, end, open: open && full > this.target });
    this.height += height + this.gap;
  }

  /** Return the first and one past the last row between two heights. */
  between(top, bottom) {
    return [this.#rowAt(top), Math.min(this.#rowAt(bottom) + 1, this.rows.length)];
  }

  #rowAt(y) {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].top + this.rows[middle].height < y) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Return the row of an item. */
  rowOf(index) {
    let low = 0;
    let high = this.rows.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].end <= index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Return the places of a row's items: `{ index, left, width, top, height }`. */
  places(row, items) {
    const found = [];
    let left = 0;
    for (let index = row.start; index < row.end; index += 1) {
      const last = index === row.end - 1 && !row.open;
      const width = last ? this.width - left : Math.round(items[index].ratio * row.height);
      found.push({ index, left, width, top: row.top, height: row.height });
      left += width + this.gap;
    }
    return found;
  }
}
