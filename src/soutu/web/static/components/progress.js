/**
 * How far a long run has come: `progress.set(done, total, label)`; total null: nobody knows yet.
 */

import { Element, css, h, setStyle } from "../element.js";

/** A progress bar. */
export class Progress extends Element {
  static styles = css`
    so-progress { display: block; height: 6px; border-radius: 3px; background: var(--surface-3); overflow: hidden; }
    so-progress > i { display: block; height: 100%; width: calc(var(--share, 0) * 100%); border-radius: 3px; background: var(--accent); transition: width var(--calm) var(--ease); }
    so-progress[endless] > i { width: 32%; animation: so-wander 1.4s ease-in-out infinite alternate; }
    @keyframes so-wander { from { transform: translateX(-20%); } to { transform: translateX(230%); } }
  `;

  build() {
    this.setAttribute("role", "progressbar");
    this.setAttribute("aria-valuemin", "0");
    this.setAttribute("aria-valuemax", "100");
    return h("i", {});
  }

  /** Show how much is done. */
  set(done, total, label = "") {
    const known = total !== null && total !== undefined && total > 0;
    this.toggleAttribute("endless", !known);
    const share = known ? Math.min(done / total, 1) : 0;
    setStyle(this, { "--share": share });
    if (known) this.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    else this.removeAttribute("aria-valuenow");
    if (label) this.setAttribute("aria-label", label);
  }
}

customElements.define("so-progress", Progress);
