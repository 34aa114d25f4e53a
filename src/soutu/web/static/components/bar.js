/**
 * A quiet bar for a share 0..1: `bar(0.87, { label: "87 %" })`. `mark` draws a threshold on it.
 */

import { Element, css, h, setStyle } from "../element.js";

/** The bar; set it anew with `set(value, label)`. */
export class Bar extends Element {
  static styles = css`
    so-bar { position: relative; display: block; height: 4px; border-radius: 2px; background: var(--bar-ground, var(--surface-3)); }
    so-bar > i { display: block; height: 100%; width: calc(var(--share, 0) * 100%); min-width: 4px; border-radius: 2px; background: var(--bar-ink, var(--accent)); }
    so-bar > b { position: absolute; top: -2px; bottom: -2px; left: calc(var(--mark) * 100%); width: 2px; margin-left: -1px; border-radius: 1px; background: var(--ink-3); }
    so-bar[weak] > i { background: var(--ink-3); }
  `;

  build() {
    this.setAttribute("role", "img");
    return [h("i", {}), this.mark === undefined ? null : h("b", { style: { "--mark": this.mark } })];
  }

  /** Show another value. */
  set(value, label = "") {
    setStyle(this, { "--share": Math.min(Math.max(value, 0), 1) });
    if (label) this.setAttribute("aria-label", label);
    else this.setAttribute("aria-hidden", "true"); // what it says stands beside it in words
  }
}

customElements.define("so-bar", Bar);

/** Make a bar; `weak` greys it, `mark` is a place 0..1 to point at. */
export function bar(value, { label = "", weak = false, mark } = {}) {
  const made = new Bar();
  made.mark = mark;
  made.toggleAttribute("weak", weak);
  made.set(value, label);
  return made;
}
