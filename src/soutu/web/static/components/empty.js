/**
 * What a place shows that has nothing to show, and what to do about it.
 *
 *     h("so-empty", { icon: "image", heading: t("…"), text: t("…"), action: node })
 */

import { Element, css, h } from "../element.js";
import { icon } from "./icon.js";

/** An empty state; `action` may be a list of nodes. `small` takes less room. */
export class Empty extends Element {
  static styles = css`
    so-empty { display: flex; flex-direction: column; align-items: center; gap: var(--space-2); max-width: 460px; margin: 0 auto; padding: min(14vh, 120px) var(--space-4) var(--space-7); text-align: center; animation: so-appear var(--calm); }
    so-empty.small { padding: var(--space-6) var(--space-4); }
    so-empty .badge { display: grid; place-items: center; width: 64px; height: 64px; margin-bottom: var(--space-3); border-radius: 20px; background: var(--surface-2); color: var(--ink-2); }
    so-empty .badge svg { width: 28px; height: 28px; stroke-width: 1.6; }
    so-empty p { color: var(--ink-2); text-wrap: balance; }
    so-empty .actions { display: flex; flex-wrap: wrap; justify-content: center; gap: var(--space-2); margin-top: var(--space-4); }
    so-empty .actions:empty { display: none; }
  `;

  icon = "image";
  heading = "";
  text = "";
  action = null;

  build() {
    return [
      h("div", { class: "badge" }, icon(this.icon)),
      h("h2", {}, this.heading),
      this.text && h("p", {}, this.text),
      h("div", { class: "actions" }, this.action),
    ];
  }
}

customElements.define("so-empty", Empty);
