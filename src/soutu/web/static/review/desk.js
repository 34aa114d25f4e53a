/** Questions, one after the other: picture, question, buttons, keys. */

import { api, isAbort } from "../api.js";
import "../components/empty.js";
import { icon } from "../components/icon.js";
import { errorText } from "../components/toast.js";
import { Element, css, fill, h } from "../element.js";
import { percent, t } from "../i18n.js";
import { library } from "../library.js";
import { router } from "../router.js";
import { ownName } from "../tags/vocabulary.js";
import { answers } from "./answers.js";
import { ReviewStage } from "./stage.js";

const PART = 20; // questions fetched at once
const LOW = 6; // fetch more when so few are left
const AHEAD = 4; // pictures fetched beforehand
const MOST = 1000; // questions that the server gives at once

/** The desk; `tag` null asks about all tags, `by` is "tag" or "picture". */
export class ReviewDesk extends Element {
  static styles = css`
    so-review-desk { display: flex; flex-direction: column; flex: 1; gap: var(--space-4); min-height: 0; }
    so-review-desk so-review-stage { flex: 1; }
    so-review-desk .ask { display: flex; flex-direction: column; align-items: center; gap: 2px; text-align: center; }
    so-review-desk .ask h2 { font-weight: 500; }
    so-review-desk .ask h2 em { font-style: normal; font-weight: 680; color: var(--accent); overflow-wrap: anywhere; }
    so-review-desk .ask p { min-height: 20px; }
    so-review-desk .say { display: grid; grid-template-columns: auto 1fr 1fr auto; gap: var(--space-2); width: 100%; max-width: 640px; margin: 0 auto; }
    so-review-desk .say[inert] { opacity: 0.5; }
    so-review-desk .say .button { min-height: 52px; font-size: var(--text-lg); }
    so-review-desk .say .side { font-size: var(--text-sm); padding: 0 var(--space-4); }
    so-review-desk .say kbd { font-size: var(--text-xs); font-weight: 500; color: inherit; background: transparent; border-color: color-mix(in srgb, currentColor 40%, transparent); }
    so-review-desk .say .no { background: var(--bad-soft); border-color: transparent; color: var(--bad); }
    so-review-desk .say .yes { background: var(--good); border-color: transparent; color: light-dark(#fff, #06210f); }
    so-review-desk .say .yes:hover { filter: brightness(0.94); }
    so-review-desk .say .no:hover { filter: brightness(0.97); }
    so-review-desk .end { flex: 1; display: grid; align-content: center; }
    so-review-desk .end so-empty { padding-top: 0; }
    @media (max-width: 640px) {
      so-review-desk { gap: var(--space-3); }
      so-review-desk .say .side { padding: 0 var(--space-3); }
    }
    @media (max-width: 640px), (hover: none) { so-review-desk .say kbd, so-review-desk .say .side .words { display: none; } }
  `;

  #questions = [];
  #asked = 0;
  #loading = false;
  #ended = false;

  constructor({ tag, by }) {
    super();
    this.tag = tag;
    this.by = by;
  }

  build() {
    this.stage = new ReviewStage();
    this.words = h("div", { class: "ask", "aria-live": "polite", "aria-atomic": "true" });
    this.back = this.#button("side", "undo", "review.undo", "U", () => this.undo());
    this.skip = this.#button("side", "arrow", "review.skip", "S", () => this.answer(null));
    this.buttons = h("div", { class: "say" }, this.back,
      this.#button("no", "close", "review.no", "N", () => this.answer(false)),
      this.#button("yes", "check", "review.yes", "Y", () => this.answer(true)),
      this.skip);
    this.#waiting();
  }

  #waiting() {
    this.#asked = 0;
    fill(this.stage);
    fill(this.words, h("h2", {}, "\u00a0"), h("p", { class: "small" }));
    this.buttons.inert = true;
    this.stage.classList.add("skeleton");
    fill(this, this.stage, this.words, this.buttons);
  }

  connected() {
    this.listen(document, "keydown", (event) => this.#key(event));
    this.listen(answers, "change", () => {
      this.back.disabled = !answers.any;
    });
    this.#more();
  }

  /** Answer the question that is shown: true, false, or null to skip. */
  answer(value) {
    const question = this.#questions.shift();
    if (!question) return;
    answers.give(question, value);
    this.#draw();
    if (this.#questions.length < LOW) this.#more();
  }

  /** Take the last answer back and ask again. */
  undo() {
    const question = answers.takeBack();
    if (!question) return;
    this.#ended = false;
    this.#questions.unshift(question);
    this.#draw();
  }

  async #more() {
    if (this.#loading || this.#ended) return;
    this.#loading = true;
    try {
      if (!answers.error) await answers.idle; // or the server would ask them again
      const k = Math.min(PART + answers.passed, MOST);
      const found = await api.get("review", { tag: this.tag, by: this.by, k }, { signal: this.signal });
      const here = new Set(this.#questions.map(keyOf));
      const fresh = found.filter((each) => !here.has(keyOf(each)) && !answers.knows(each));
      this.#questions.push(...fresh.slice(0, PART));
      this.#ended = fresh.length === 0;
      this.#names ??= new Map((await library.tags()).map((tag) => [tag.name, tag]));
      this.#draw();
    } catch (error) {
      if (!isAbort(error) && !this.#questions.length) this.#failed(error);
    }
    this.#loading = false;
  }

  #names = null;

  #draw() {
    const [question, ...next] = this.#questions;
    if (!question) {
      if (this.#ended) this.#end();
      else this.#waiting();
      return;
    }
    const key = keyOf(question);
    if (this.#asked === key && this.stage.isConnected) return;
    this.#asked = key;
    this.buttons.inert = false;
    this.stage.classList.remove("skeleton");
    this.stage.show(question, next.slice(0, AHEAD));
    const tag = this.#names?.get(question.tag);
    const own = tag && ownName(tag);
    const [before, after] = t("review.question").split("{tag}");
    fill(this.words,
      h("h2", {}, before, h("em", {}, question.tag), own && h("span", { class: "quiet" }, ` ${own}`), after),
      h("p", { class: "small quiet numbers" }, t("review.guess", { share: percent(question.probability) })));
    this.back.disabled = !answers.any;
    if (!this.stage.isConnected) fill(this, this.stage, this.words, this.buttons);
  }

  #end() {
    this.#asked = 0;
    const skipped = answers.skipped;
    const first = answers.said === 0 && !skipped;
    fill(this, h("div", { class: "end" }, h("so-empty", {
      class: "small", icon: "check", heading: t(first ? "review.none" : "review.end"),
      text: t(skipped ? "review.end.skipped" : first ? "review.none.text" : "review.end.text"),
      action: [
        skipped && h("button", { class: "button", type: "button", onclick: () => this.#again() }, icon("refresh"), t("review.end.again")),
        answers.any && h("button", { class: "button", type: "button", onclick: () => this.undo() }, icon("undo"), t("review.undo")),
        h("a", { class: "button primary", href: this.tag ? router.href("/tags", { name: this.tag }) : "/tags" }, t("review.end.tags")),
      ].filter(Boolean),
    })));
  }

  #again() {
    answers.forgetSkipped();
    this.#ended = false;
    this.#waiting();
    this.#more();
  }

  #failed(error) {
    const again = h("button", { class: "button", type: "button", onclick: () => { this.#waiting(); this.#more(); } }, t("review.again"));
    fill(this, h("div", { class: "end" }, h("so-empty", { class: "small", icon: "warning", heading: t("review.broken"), text: errorText(error), action: again })));
  }

  #button(kind, image, key, letter, run) {
    return h("button", { class: ["button", kind].join(" "), type: "button", "aria-label": t(key), "aria-keyshortcuts": letter, onclick: run },
      icon(image), h("span", { class: "words" }, t(key)), h("kbd", { "aria-hidden": "true" }, letter));
  }

  #key(event) {
    if (event.metaKey || event.ctrlKey || event.altKey || event.repeat || event.isComposing) return;
    if (document.querySelector("dialog[open], so-menu") || event.target.closest?.("input, select, textarea")) return;
    const key = event.key.toLowerCase();
    if (key === " " && event.target.closest?.("button, a")) return; // that presses it
    const run = {
      y: () => this.answer(true), n: () => this.answer(false), s: () => this.answer(null),
      " ": () => this.answer(null), u: () => this.undo(), escape: () => this.emit("leave"),
    }[key];
    if (!run) return;
    event.preventDefault();
    run();
  }
}

customElements.define("so-review-desk", ReviewDesk);

const keyOf = ({ id, tag }) => `${id} ${tag}`;
