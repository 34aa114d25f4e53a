/**
 * The results: rows of pictures, of which only those near the window's view are in the document.
 *
 *     grid.show(feed)                  // another answer; the old one stays until the first page
 *     grid.focusItem(index)
 *     events: "like" / "unlike" with { item } (bubbling)
 */

import { Element, css, h, setStyle } from "../element.js";
import { t } from "../i18n.js";
import { Cell } from "./cell.js";
import { Layout } from "./layout.js";

const GAP = 8;
const DIVIDER = 56;
const HASTE = 3; // windows a second; while the view flies by faster, no thumbnails are asked for
const REST = 120; // milliseconds

/** A virtual grid that scrolls with the window. */
export class Grid extends Element {
  static styles = css`
    so-grid { position: relative; display: block; overflow-anchor: none; }
    so-grid .grid-divider { position: absolute; left: 0; right: 0; display: flex; align-items: center; gap: var(--space-4); height: 48px; color: var(--ink-2); font-size: var(--text-sm); }
    so-grid .grid-divider::before, so-grid .grid-divider::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
    so-grid .grid-more { position: absolute; left: 0; right: 0; overflow: hidden; background: repeating-linear-gradient(90deg, var(--surface-2) 0 300px, transparent 0 308px, var(--surface-2) 0 500px, transparent 0 508px); mask: repeating-linear-gradient(#000 0 calc(var(--row) - 8px), transparent 0 var(--row)); }
  `;

  #cells = new Map();
  #spare = new Map(); // cells of the answer before, by the ids of their pictures
  #layout = null;
  #width = 0;
  #current = 0; // the item that the Tab key leads to
  #frame = 0;
  #last = { y: 0, at: 0 };
  #resting = 0;
  feed = null;
  limit = Infinity; // items shown at most

  build() {
    this.list = h("div", { role: "list", "aria-label": t("grid.label") });
    this.divider = h("div", { class: "grid-divider", role: "separator", hidden: true }, t("grid.near"));
    this.rest = h("div", { class: "grid-more", "aria-hidden": "true", hidden: true });
    return [this.list, this.divider, this.rest];
  }

  connected() {
    this.listen(window, "scroll", () => this.#schedule(), { passive: true });
    this.listen(this, "keydown", (event) => this.#key(event));
    this.listen(this, "focusin", (event) => {
      const cell = event.target.closest("so-cell");
      if (cell) this.#point(cell.index);
    });
    const sizes = new ResizeObserver(() => this.#resized());
    sizes.observe(this);
    this.signal.addEventListener("abort", () => sizes.disconnect());
  }

  /** Show the items of a feed. */
  show(feed, { limit = Infinity } = {}) {
    if (this.feed !== feed) this.#current = 0;
    this.feed = feed;
    this.limit = limit;
    this.#relay();
  }

  /** Lay out what came since. */
  update() {
    if (!this.#layout) return this.#relay();
    const { items, done, split } = this.#shown();
    this.#layout.extend(items, { done, split });
    this.#measure();
    this.#draw();
    return undefined;
  }

  #shown() {
    const { items, done, split, missed } = this.feed;
    if (items.length <= this.limit) return { items, done, split: missed ? null : split };
    return { items: items.slice(0, this.limit), done: true, split: missed ? null : split };
  }

  #relay() {
    this.#width = this.clientWidth;
    if (!this.feed || this.#width === 0) return;
    const target = Math.min(232, Math.max(132, this.#width / 4.4));
    this.#layout = new Layout({ width: this.#width, target, gap: GAP, divider: DIVIDER });
    // Pictures that are there already stay as they are: nothing blinks while the reader types.
    this.#spare = new Map([...this.#cells.values()].map((cell) => [cell.item.id, cell]));
    this.#cells.clear();
    setStyle(this, { "--row": `${Math.round(target) + GAP}px` });
    this.update();
  }

  #resized() {
    if (this.clientWidth === this.#width || !this.feed) return;
    const rows = this.#layout?.rows ?? [];
    const [first] = this.#layout ? this.#layout.between(this.#scrolled(), this.#scrolled()) : [0];
    const keep = this.#scrolled() > 0 ? rows[first]?.start : undefined;
    this.#relay();
    if (keep !== undefined && this.#layout) {
      const row = this.#layout.rows[this.#layout.rowOf(keep)];
      window.scrollTo(0, row.top + this.#top());
    }
  }

  #measure() {
    const { height, rows, dividerTop } = this.#layout;
    const { total, done, items } = this.feed;
    const shown = Math.min(items.length, this.limit);
    let more = 0;
    if (!done && shown < this.limit) {
      const guess = rows.length ? (height / shown) * ((total ?? shown) - shown) : 0;
      more = Math.max(guess, 2 * (this.#layout.target + GAP));
    }
    setStyle(this, { height: `${Math.ceil(height + (more && GAP) + more)}px` });
    this.rest.hidden = more === 0;
    setStyle(this.rest, { top: `${height + GAP}px`, height: `${Math.ceil(more)}px` });
    this.divider.hidden = dividerTop === null;
    setStyle(this.divider, { top: `${dividerTop ?? 0}px` });
  }

  #top() {
    return this.getBoundingClientRect().top + window.scrollY - headRoom();
  }

  #scrolled() {
    return headRoom() - this.getBoundingClientRect().top;
  }

  #schedule() {
    this.#frame ||= requestAnimationFrame((now) => {
      this.#frame = 0;
      this.#draw(this.#isHasty(now));
    });
  }

  #isHasty(now) {
    const { y, at } = this.#last;
    this.#last = { y: window.scrollY, at: now };
    const hasty = Math.abs(window.scrollY - y) / Math.max(now - at, 1) > (HASTE * window.innerHeight) / 1000;
    clearTimeout(this.#resting);
    if (hasty) this.#resting = setTimeout(() => this.#draw(false), REST);
    return hasty;
  }

  #draw(hasty = false) {
    if (!this.#layout || !this.isConnected) return;
    const view = window.innerHeight;
    const top = -this.getBoundingClientRect().top;
    const [first, end] = this.#layout.between(top - view * 0.75, top + view * 1.75);
    const wanted = this.#layout.rows.slice(first, end)
      .flatMap((row) => this.#layout.places(row, this.feed.items));
    const keep = new Set(wanted.map(({ index }) => index));
    for (const [index, cell] of this.#cells) {
      if (keep.has(index) || cell.contains(document.activeElement)) continue;
      cell.remove();
      this.#cells.delete(index);
    }
    let after = null;
    for (const place of wanted) after = this.#put(place, after, hasty);
    for (const cell of this.#spare.values()) cell.remove();
    this.#spare.clear();
    if (top + view * 3 > this.#layout.height && this.feed.items.length < this.limit) this.feed.more();
  }

  #put(place, after, hasty) {
    let cell = this.#cells.get(place.index);
    if (!cell) {
      cell = this.#cellFor(this.feed.items[place.index], place.index);
      this.#cells.set(place.index, cell);
    }
    cell.place(place);
    cell.reachable = place.index === this.#current;
    const next = after ? after.nextSibling : this.list.firstChild;
    if (cell !== next) this.list.insertBefore(cell, next);
    if (!hasty) cell.load();
    return cell;
  }

  #cellFor(item, index) {
    const spare = this.#spare.get(item.id);
    if (!spare) return new Cell(item, index, this.feed);
    this.#spare.delete(item.id);
    spare.renew(item, index, this.feed);
    return spare;
  }

  #point(index) {
    if (index === this.#current) return;
    const before = this.#cells.get(this.#current);
    if (before) before.reachable = false;
    this.#current = index;
    this.#cells.get(index).reachable = true;
  }

  /** Move the focus to an item, and the item into view. */
  focusItem(index) {
    if (!this.#layout || index < 0 || index >= Math.min(this.feed.items.length, this.limit)) return;
    const row = this.#layout.rows[this.#layout.rowOf(index)];
    const top = this.getBoundingClientRect().top + row.top;
    const room = headRoom();
    if (top < room) window.scrollBy(0, top - room - GAP);
    else if (top + row.height > window.innerHeight - 72) {
      window.scrollBy(0, top + row.height - window.innerHeight + 72);
    }
    this.#draw();
    this.#cells.get(index)?.focusLink();
  }

  #key(event) {
    const cell = event.target.closest("so-cell");
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const { index } = cell;
    const last = Math.min(this.feed.items.length, this.limit) - 1;
    const to = {
      ArrowLeft: () => index - 1, ArrowRight: () => index + 1,
      ArrowUp: () => this.#beside(index, -1), ArrowDown: () => this.#beside(index, 1),
      Home: () => 0, End: () => last,
    }[event.key]?.();
    if (to !== undefined) {
      event.preventDefault();
      this.focusItem(Math.min(Math.max(to, 0), last));
    } else if (event.key === "+" || event.key === "=") cell.emit("like", { item: cell.item });
    else if (event.key === "-") cell.emit("unlike", { item: cell.item });
  }

  /** Return the item above or beneath another one. */
  #beside(index, step) {
    const { rows } = this.#layout;
    const at = this.#layout.rowOf(index);
    const row = rows[at + step];
    if (!row) return index;
    const middle = ({ left, width }) => left + width / 2;
    const here = this.#layout.places(rows[at], this.feed.items).find((each) => each.index === index);
    const away = (place) => Math.abs(middle(place) - middle(here));
    return this.#layout.places(row, this.feed.items)
      .reduce((best, each) => (away(each) < away(best) ? each : best)).index;
  }
}

customElements.define("so-grid", Grid);

/** How much of the window's top is covered by what sticks there. */
function headRoom() {
  const sticky = document.querySelector(".search-top");
  return sticky ? sticky.getBoundingClientRect().bottom : 0;
}
