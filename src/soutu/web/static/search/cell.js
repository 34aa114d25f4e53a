/** One picture of the grid. */

import { thumbnail } from "../api.js";
import { bar } from "../components/bar.js";
import { icon } from "../components/icon.js";
import { Element, css, fill, h, setStyle } from "../element.js";
import { percent, t } from "../i18n.js";
import { router } from "../router.js";
import { nameOf } from "./feed.js";

const SIDES = [256, 384, 512, 1024]; // what the server makes, by the longer side

/** A picture with its name, relevance, and buttons for more and less like it. */
export class Cell extends Element {
  static styles = css`
    so-cell { position: absolute; overflow: hidden; border-radius: var(--radius-2); background: var(--surface-2); contain: strict; }
    so-cell > a { position: absolute; inset: 0; display: block; color: #fff; text-decoration: none; border-radius: inherit; }
    so-cell > a:focus-visible { outline-offset: -3px; outline: 3px solid var(--accent); box-shadow: inset 0 0 0 5px rgb(255 255 255 / 85%); z-index: 2; }
    so-cell img { width: 100%; height: 100%; object-fit: cover; opacity: 0; transition: opacity var(--calm); }
    so-cell img.there { opacity: 1; }
    so-cell .cell-foot { position: absolute; inset: auto 0 0; padding: 36px 12px 10px; background: linear-gradient(transparent, rgb(0 0 0 / 68%)); opacity: 0; transition: opacity var(--quick); }
    so-cell .cell-name { font-size: var(--text-sm); font-weight: 550; text-shadow: 0 1px 2px rgb(0 0 0 / 50%); }
    so-cell so-bar { margin-top: 6px; height: 3px; --bar-ground: rgb(255 255 255 / 30%); --bar-ink: #fff; }
    so-cell so-bar[weak] { --bar-ink: rgb(255 255 255 / 70%); }
    so-cell .cell-side { position: absolute; top: 8px; right: 8px; display: flex; gap: 6px; opacity: 0; transition: opacity var(--quick); }
    so-cell .cell-side button { display: grid; place-items: center; width: 30px; height: 30px; padding: 0; border: 0; border-radius: var(--radius-round); background: rgb(20 20 18 / 62%); color: #fff; cursor: pointer; }
    so-cell .cell-side button:hover { background: rgb(20 20 18 / 88%); }
    so-cell .cell-side button:focus-visible { outline: 2px solid #fff; outline-offset: 1px; }
    so-cell .cell-side svg { width: 16px; height: 16px; stroke-width: 2.2; }
    so-cell:hover .cell-foot, so-cell:focus-within .cell-foot, so-cell:hover .cell-side, so-cell:focus-within .cell-side { opacity: 1; }
    so-cell[near] img.there { opacity: 0.82; }
    so-cell[near]:hover img, so-cell[near]:focus-within img { opacity: 1; }
    so-cell .cell-gone { position: absolute; inset: 0; display: grid; place-items: center; color: var(--ink-3); }
    @media (hover: none) {
      so-cell .cell-foot { opacity: 1; padding: 0 8px 6px; background: none; }
      so-cell .cell-name { display: none; }
      so-cell so-bar { width: 40px; box-shadow: 0 0 0 1px rgb(0 0 0 / 20%); }
    }
  `;

  constructor(item, index, feed) {
    super();
    Object.assign(this, { item, index, feed });
  }

  build() {
    this.setAttribute("role", "listitem");
    this.foot = h("div", { class: "cell-foot", "aria-hidden": "true" });
    this.link = h("a", {}, this.foot);
    this.#describe();
    this.buttons = [
      this.#button("like", "plus", t("grid.like")),
      this.#button("unlike", "minus", t("grid.unlike")),
    ];
    this.#reach();
    return [this.link, h("div", { class: "cell-side" }, this.buttons)];
  }

  /** Stand at another place, in another answer; the picture is the same. */
  renew(item, index, feed) {
    Object.assign(this, { item, index, feed });
    this.#describe();
  }

  #describe() {
    const { id, path, relevance, matches } = this.item;
    const name = nameOf(path);
    const share = relevance === undefined ? "" : t("grid.relevance", { share: percent(relevance) });
    this.setAttribute("aria-posinset", String(this.index + 1));
    this.setAttribute("aria-setsize", String(this.feed.total ?? (this.feed.done ? this.feed.items.length : -1)));
    this.toggleAttribute("near", !matches);
    const params = router.params;
    params.set("id", id);
    this.link.href = router.href("/", params);
    this.link.setAttribute("aria-label", share ? `${name}, ${share}` : name);
    fill(this.foot, h("div", { class: "cell-name clip" }, name), share && bar(relevance, { weak: !matches }));
  }

  #button(type, image, label) {
    return h("button", {
      type: "button", title: label, "aria-label": label, onclick: () => this.emit(type, { item: this.item }),
    }, icon(image));
  }

  /** Put the cell where the layout says. */
  place({ left, top, width, height }) {
    setStyle(this, {
      left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px`,
    });
    this.width = width;
    this.height = height;
    if (this.image) this.image.sizes = this.#size();
  }

  /** Ask for the thumbnail, in the size that the screen needs. */
  load() {
    if (this.image) return;
    const { id, own } = this.item;
    const image = h("img", { alt: "", decoding: "async", draggable: false });
    this.image = image;
    image.addEventListener("load", () => image.classList.add("there"));
    image.addEventListener("error", () => {
      image.remove();
      this.link.prepend(h("div", { class: "cell-gone", title: t("grid.gone") }, icon("image")));
    });
    image.sizes = this.#size();
    image.srcset = SIDES.map((side) =>
      `${thumbnail(id, side)} ${Math.round(own >= 1 ? side : side * own)}w`).join(", ");
    this.link.prepend(image);
  }

  #size() {
    // A picture cropped to the cell needs more pixels than the cell is wide.
    return `${Math.ceil(Math.max(this.width, this.height * this.item.own))}px`;
  }

  /** Whether the Tab key stops here. */
  set reachable(value) {
    this.tabStop = value;
    if (this.link) this.#reach();
  }

  #reach() {
    for (const node of [this.link, ...this.buttons]) node.tabIndex = this.tabStop ? 0 : -1;
  }

  focusLink() {
    this.link.focus({ preventScroll: true });
  }
}

customElements.define("so-cell", Cell);
