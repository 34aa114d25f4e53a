/** Files that could not be read, with the reason of each. */

import { Element, css, fill, h } from "../element.js";
import { t } from "../i18n.js";
import { baseName } from "./told.js";

const PART = 50;

/** A list of Failure. */
export class Failures extends Element {
  static styles = css`
    so-failures { display: block; }
    so-failures li { padding: var(--space-2) 0; border-top: 1px solid var(--line); font-size: var(--text-sm); overflow-wrap: anywhere; }
    so-failures li:first-child { border-top: 0; }
    so-failures .where { color: var(--ink-3); }
    so-failures .why { color: var(--bad); }
    so-failures button { margin-top: var(--space-2); }
  `;

  constructor(failures) {
    super();
    this.failures = failures;
    this.limit = PART;
  }

  connected() {
    const more = this.failures.length - this.limit;
    fill(this, h("ul", {}, this.failures.slice(0, this.limit).map(({ path, reason }) => h("li", {},
      h("div", {}, h("b", {}, baseName(path)), " ", h("span", { class: "why" }, reason)),
      h("div", { class: "where" }, path)))),
    more > 0 && h("button", { class: "button small", type: "button", onclick: () => {
      this.limit += PART * 10;
      this.connected();
    } }, t("indexing.failures.more", { n: more })));
  }
}

customElements.define("so-failures", Failures);
