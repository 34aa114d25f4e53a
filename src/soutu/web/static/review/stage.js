/** The picture that is asked about, as large as it goes; the next ones are fetched beforehand. */

import { thumbnail } from "../api.js";
import { Element, css, fill, h } from "../element.js";
import { router } from "../router.js";
import { t } from "../i18n.js";

const SIDE = 1024;
const KEPT = 8;

/** The stage: `show(question, next)`. */
export class ReviewStage extends Element {
  static styles = css`
    so-review-stage { position: relative; display: block; min-height: 0; border-radius: var(--radius-3); background: var(--surface-2); overflow: hidden; }
    so-review-stage a { position: absolute; inset: 0; display: block; }
    so-review-stage img { max-width: 100%; width: 100%; height: 100%; object-fit: contain; }
    so-review-stage .name { position: absolute; left: 10px; bottom: 10px; max-width: calc(100% - 20px); padding: 1px 10px; border-radius: var(--radius-round); background: rgb(20 20 18 / 62%); color: #fff; font-size: var(--text-sm); pointer-events: none; }
  `;

  #fetched = [];

  /** Show a question's picture, and fetch those of the next questions. */
  show(question, next) {
    const name = question.path.split(/[/\\]/).pop();
    const image = h("img", { src: thumbnail(question.id, SIDE), alt: t("review.picture", { name }), draggable: false });
    fill(this, h("a", { href: router.href("/", { id: question.id }), tabIndex: -1 }, image), h("span", { class: "name clip", "aria-hidden": "true" }, name));
    for (const { id } of next) {
      if (this.#fetched.some((each) => each.dataset.id === String(id))) continue;
      this.#fetched.push(h("img", { src: thumbnail(id, SIDE), dataset: { id } }));
    }
    this.#fetched.splice(0, this.#fetched.length - KEPT);
  }
}

customElements.define("so-review-stage", ReviewStage);
