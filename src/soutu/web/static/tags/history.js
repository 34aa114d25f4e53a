/** What was changed in tags and labels, newest first. */

import { api } from "../api.js";
import "../components/empty.js";
import { icon } from "../components/icon.js";
import { toastError } from "../components/toast.js";
import { Element, css, fill, h } from "../element.js";
import { events } from "../events.js";
import { ago, date, t } from "../i18n.js";
import { library } from "../library.js";
import { changeText, undo } from "./actions.js";

const SHOWN = 100;

/** The history, with a button at the change that can be taken back. */
export class TagHistory extends Element {
  static styles = css`
    so-tag-history { display: block; }
    so-tag-history ol { border: 1px solid var(--line); border-radius: var(--radius-3); background: var(--surface); overflow: hidden; }
    so-tag-history li { display: flex; align-items: center; gap: var(--space-3); min-height: 52px; padding: var(--space-2) var(--space-4); border-top: 1px solid var(--line); }
    so-tag-history li:first-child { border-top: 0; }
    so-tag-history .what { flex: 1; min-width: 0; overflow-wrap: anywhere; }
    so-tag-history .when { color: var(--ink-3); font-size: var(--text-sm); }
    so-tag-history li[undone] .what > span:first-child { text-decoration: line-through; color: var(--ink-3); }
  `;

  connected() {
    this.listen(events, "changed", () => this.#load());
    this.listen(events, "vocabulary", () => this.#load());
    this.#load();
  }

  async #load() {
    try {
      this.#draw(await api.get("tags/history", { limit: SHOWN }, { signal: this.signal }));
    } catch (error) {
      toastError(error);
    }
  }

  #draw(changes) {
    if (!changes.length) {
      fill(this, h("so-empty", { class: "small", icon: "history", heading: t("tags.history.none"), text: t("tags.history.none.text") }));
      return;
    }
    const last = changes.find((change) => !change.undone);
    fill(this, h("ol", {}, changes.map((change) => this.#line(change, change === last))));
  }

  #line(change, last) {
    const line = h("li", {},
      h("div", { class: "what" }, h("span", {}, changeText(change)), " ",
        h("div", { class: "when" }, [
          h("time", { datetime: change.at, title: date(change.at) }, ago(change.at)),
          change.who && ` · ${change.who}`, change.undone && ` · ${t("tags.history.undone")}`,
        ])),
      last && !library.readOnly && h("button", { class: "button small", type: "button", onclick: undo },
        icon("undo"), t("tags.undo")));
    line.toggleAttribute("undone", change.undone);
    return line;
  }
}

customElements.define("so-tag-history", TagHistory);
