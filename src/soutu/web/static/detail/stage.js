/** The large picture, and what is drawn over it. */

import { thumbnail } from "../api.js";
import { icon } from "../components/icon.js";
import { Element, fill, h, setStyle } from "../element.js";
import { t } from "../i18n.js";
import { nameOf } from "../search/feed.js";

const SHOWN = new Set(["JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP", "MPO"]); // what browsers show
const LIGHT = 12_000_000; // bytes; of larger files a thumbnail is shown

/** `expect` shows the small picture that is there already, `show` the large one when it has come. */
export class Stage extends Element {
  #id = null;

  build() {
    this.box = h("div", { class: "stage-box" });
    return this.box;
  }

  /** Make room for a picture before its facts are known. */
  expect(id, ratio) {
    this.#id = id;
    this.clear();
    this.image = h("img", { class: "stage-image", alt: "", src: thumbnail(id, 384) });
    this.over = h("div", { class: "stage-over", "aria-hidden": "true" });
    if (ratio) this.#shape(ratio);
    fill(this.box, this.image, this.over);
  }

  clear() {
    fill(this.box);
  }

  /** Show a picture in full. */
  show({ id, path, info, bytes }) {
    if (id !== this.#id) return;
    this.#shape(info.width / info.height);
    this.image.alt = nameOf(path);
    const plain = SHOWN.has(info.format) && bytes <= LIGHT;
    const large = new Image();
    large.addEventListener("load", () => {
      if (id === this.#id) this.image.src = large.src;
    });
    large.addEventListener("error", () => {
      if (id === this.#id && !large.dataset.again) {
        large.dataset.again = "yes";
        large.src = thumbnail(id, 1024);
      } else if (id === this.#id && !this.image.naturalWidth) this.#gone();
    });
    large.src = plain ? `/api/images/${id}/file` : thumbnail(id, 1024);
  }

  #gone() {
    fill(this.box, h("div", { class: "stage-gone" }, icon("image"), t("grid.gone")));
  }

  #shape(ratio) {
    setStyle(this.parentElement, { "--ratio": ratio.toFixed(5) });
  }

  /** Draw where in the picture a query matches: rows of cells, each 0..1; null takes it away. */
  heat(rows) {
    this.over?.querySelector("canvas")?.remove();
    if (!rows?.length || !this.over) return;
    const canvas = h("canvas", { width: rows[0].length, height: rows.length });
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(rows[0].length, rows.length);
    rows.flat().forEach((value, at) => pixels.data.set(colour(value), at * 4));
    context.putImageData(pixels, 0, 0);
    this.over.prepend(canvas);
  }

  /** Draw frames round parts of the picture: `{ box, label }`. */
  boxes(found) {
    if (!this.over) return;
    for (const old of this.over.querySelectorAll(".stage-part")) old.remove();
    for (const { box: [left, top, right, bottom], label, index } of found) {
      const share = (value) => `${value * 100}%`;
      this.over.append(h("div", {
        class: "stage-part", dataset: { index },
        style: { left: share(left), top: share(top), width: share(right - left), height: share(bottom - top) },
      }, h("span", {}, label)));
    }
  }
}

customElements.define("so-stage", Stage);

/** Dark where nothing fits, clear where it fits: what matters stays to be seen as it is. */
function colour(value) {
  const strength = Math.min(Math.max(value, 0), 1);
  return [10, 14, 22, Math.round(205 * (1 - strength) ** 1.35)];
}
