/**
 * A chip: a small thing that was chosen, and can be taken away.
 *
 *     chip({ label: "cat", icon: "tag", tone: "minus", onremove: () => … })
 *     chip({ label: "rocket.jpg", image: url, extra: stepperNode, onremove, onclick, title })
 */

import { Element, css, h } from "../element.js";
import { t } from "../i18n.js";
import { icon } from "./icon.js";

/** A chip; `tone` is "", "accent" or "minus". */
export class Chip extends Element {
  static styles = css`
    so-chip { display: inline-flex; align-items: center; gap: 6px; max-width: 100%; height: 32px; padding: 0 4px 0 12px; border: 1px solid transparent; border-radius: var(--radius-round); background: var(--accent-soft); color: var(--accent-strong); font-size: var(--text-sm); font-weight: 550; animation: so-appear var(--calm); }
    so-chip:not(:has(> .remove)) { padding-right: 12px; }
    so-chip:has(> img) { padding-left: 4px; }
    so-chip > svg { flex: none; width: 16px; height: 16px; }
    so-chip > img { flex: none; width: 24px; height: 24px; border-radius: var(--radius-round); object-fit: cover; }
    so-chip .label { min-width: 0; max-width: 240px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    so-chip button.label { padding: 0; border: 0; background: none; font-weight: inherit; cursor: pointer; }
    so-chip button.label:hover { text-decoration: underline; text-underline-offset: 0.2em; }
    so-chip .remove { display: grid; place-items: center; flex: none; width: 24px; height: 24px; padding: 0; border: 0; border-radius: var(--radius-round); background: none; cursor: pointer; }
    so-chip .remove:hover { background: color-mix(in srgb, currentColor 14%, transparent); }
    so-chip .remove svg { width: 14px; height: 14px; }
    so-chip[tone="minus"] { background: var(--bad-soft); color: var(--bad); }
    so-chip[tone="minus"] .label { text-decoration: line-through; text-decoration-thickness: 1px; }
    so-chip[tone="plain"] { background: var(--surface-2); color: var(--ink); }
  `;

  build() {
    const { label, image, icon: name, extra, onclick, onremove, title = "" } = this.options;
    return [
      image ? h("img", { src: image, alt: "" }) : name && icon(name),
      onclick ? h("button", { class: "label", type: "button", title, onclick }, label)
        : h("span", { class: "label", title }, label),
      extra,
      onremove && h("button", {
        class: "remove", type: "button", "aria-label": t("chip.remove", { name: label }), onclick: onremove,
      }, icon("close")),
    ];
  }
}

customElements.define("so-chip", Chip);

/** Make a chip. */
export function chip(options) {
  const made = new Chip();
  made.options = options;
  if (options.tone) made.setAttribute("tone", options.tone);
  return made;
}
