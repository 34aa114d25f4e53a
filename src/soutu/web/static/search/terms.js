/** The terms beside the words, as chips with their weights. Events: "ask" { question }, "crop" { term }. */

import { thumbnail } from "../api.js";
import { chip } from "../components/chip.js";
import { icon } from "../components/icon.js";
import { Element, css, fill, h, setStyle } from "../element.js";
import { number, t } from "../i18n.js";
import { WEIGHTS } from "./question.js";
import { uploads } from "./uploads.js";

/** The chips of further words and of pictures. */
export class Terms extends Element {
  static styles = css`
    so-terms { display: flex; flex-wrap: wrap; justify-content: center; gap: var(--space-2); }
    so-terms:empty { display: none; }
    so-terms so-chip { height: 44px; padding: 0 6px; gap: 8px; border-radius: var(--radius-2); }
    so-terms so-chip:not(:has(> .term-picture)) { padding-left: 14px; }
    so-terms so-chip .label { max-width: 180px; order: 1; text-decoration: none; }
    so-terms .term-picture { order: 0; width: 34px; height: 34px; border-radius: 7px; background: var(--surface-3) center / cover no-repeat; flex: none; }
    so-terms .term-tools { order: 2; display: inline-flex; align-items: center; }
    so-terms .term-tools button { display: grid; place-items: center; width: 28px; height: 28px; padding: 0; border: 0; border-radius: var(--radius-1); background: none; cursor: pointer; }
    so-terms .term-tools button:hover { background: color-mix(in srgb, currentColor 12%, transparent); }
    so-terms .term-tools button:disabled { opacity: 0.35; cursor: default; }
    so-terms .term-tools svg { width: 15px; height: 15px; }
    so-terms .term-weight { min-width: 26px; text-align: center; font-variant-numeric: tabular-nums; }
    so-terms .remove { order: 3; }
  `;

  /** Show the terms of a question. */
  show(question) {
    const key = JSON.stringify(question.terms);
    if (key === this.key) {
      this.question = question;
      return;
    }
    this.key = key;
    this.question = question;
    const had = this.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    fill(this, question.terms.map((term, index) => this.#chip(term, index)));
    if (had) this.querySelector(`[data-focus="${had}"]`)?.focus();
  }

  #chip(term, index) {
    const label = term.kind === "like" ? t("term.picture")
      : term.kind === "upload" ? uploads.get(term.value).name : term.value;
    const made = chip({
      label,
      title: label,
      tone: term.weight < 0 ? "minus" : "accent",
      extra: [this.#picture(term), this.#tools(term, index)],
      onremove: () => this.#ask(index, null),
    });
    made.setAttribute("role", "group");
    made.setAttribute("aria-label", label);
    return made;
  }

  #picture(term) {
    const source = pictureOf(term, 128);
    if (!source) return null;
    const node = h("span", { class: "term-picture" });
    setStyle(node, { "background-image": `url("${source}")` });
    if (term.box) {
      const [left, top, right, bottom] = term.box;
      const width = right - left;
      const height = bottom - top;
      setStyle(node, {
        "background-size": `${100 / width}% ${100 / height}%`,
        "background-position": `${width < 1 ? (left / (1 - width)) * 100 : 0}% ${height < 1 ? (top / (1 - height)) * 100 : 0}%`,
      });
    }
    return node;
  }

  #tools(term, index) {
    const at = nearest(term.weight);
    const step = (by, image, key) => h("button", {
      type: "button", "aria-label": t(key), title: t(key), dataset: { focus: `${key}-${index}` },
      disabled: !(at + by in WEIGHTS), onclick: () => this.#ask(index, { weight: WEIGHTS[at + by] }),
    }, icon(image));
    return h("span", { class: "term-tools" },
      pictureOf(term) && term.kind !== "link" && h("button", {
        type: "button", "aria-label": t("term.crop"), title: t("term.crop"), dataset: { focus: `crop-${index}` },
        onclick: () => this.emit("crop", { term: this.question.terms[index] }),
      }, icon("crop")),
      step(-1, "minus", "term.less"),
      h("span", { class: "term-weight", title: t("term.weight") },
        h("span", { class: "unseen" }, t("term.weight")), ` ${number(term.weight).replace("-", "−")}`),
      step(1, "plus", "term.greater"));
  }

  #ask(index, changes) {
    const term = this.question.terms[index];
    this.emit("ask", { question: this.question.changing(term, changes) });
  }
}

customElements.define("so-terms", Terms);

function nearest(weight) {
  const away = WEIGHTS.map((each) => Math.abs(each - weight));
  return away.indexOf(Math.min(...away));
}

/** Return the address of a term's picture for showing, null for words. */
export function pictureOf(term, side = 1024) {
  if (term.kind === "like") return thumbnail(term.value, side);
  return term.kind === "upload" ? uploads.get(term.value).url : null;
}
