/** Why a picture answers a query: what fits how well, and where. */

import { api, isAbort } from "../api.js";
import { bar } from "../components/bar.js";
import { icon } from "../components/icon.js";
import { toastError } from "../components/toast.js";
import { Element, fill, h } from "../element.js";
import { percent, t } from "../i18n.js";
import { library } from "../library.js";

let open = false; // stays unfolded while the reader walks through pictures

/** A section that unfolds; while it is open, the picture shows where the query matches. */
export class Why extends Element {
  constructor(picture, question, stage) {
    super();
    Object.assign(this, { picture, question, stage });
  }

  build() {
    this.button = h("button", {
      class: "button small", type: "button", "aria-expanded": "false", onclick: () => this.toggle(),
    }, icon("eye"), t("why.title"));
    this.content = h("div", { class: "why", "aria-live": "polite" });
    return h("section", { class: "detail-section" }, this.button, this.content);
  }

  connected() {
    if (open) this.#unfold();
  }

  /** Fold or unfold. */
  toggle() {
    open = !open;
    if (open) this.#unfold();
    else this.#fold();
  }

  #mark() {
    this.button.setAttribute("aria-expanded", String(open));
    this.button.setAttribute("aria-pressed", String(open));
  }

  #fold() {
    this.#mark();
    fill(this.content);
    this.stage.heat(null);
    this.stage.boxes([]);
  }

  async #unfold() {
    this.#mark();
    fill(this.content, h("div", { class: "skeleton why-wait" }));
    try {
      this.found ??= await api.post("explain", this.question.body({ picture: this.picture.id }), { signal: this.signal });
    } catch (error) {
      if (isAbort(error)) return;
      open = false;
      this.#fold();
      toastError(error);
      return;
    }
    if (open && this.isConnected) this.#show(this.found);
  }

  #show({ relevance, terms, tags, words, heat }) {
    fill(this.content,
      this.#line(t("why.all"), relevance, "why-all"),
      terms.map((term) => this.#line(
        `${term.weight < 0 ? "− " : ""}${term.text ?? t("why.picture")}`, term.relevance, term.weight < 0 ? "minus" : "")),
      tags.map((tag) => this.#line(tag.tag, tag.probability, "")),
      words.length > 0 && h("p", { class: "small quiet" }, t("why.words", { words: words.join(", ") })),
      heat.length > 0 ? h("p", { class: "small quiet" }, t("why.heat"))
        : h("p", { class: "small quiet" }, t("why.none")));
    this.stage.heat(heat);
    this.stage.boxes(terms.flatMap(({ box, text, weight }, index) =>
      (box && weight > 0 ? [{ box, index, label: text ?? t("why.picture") }] : [])));
  }

  #line(label, share, looks) {
    return h("div", { class: `why-line ${looks}` },
      h("span", { class: "clip", title: label }, label), h("span", { class: "numbers quiet" }, percent(share)),
      bar(share, { weak: share < library.minRelevance }));
  }
}

customElements.define("so-why", Why);
