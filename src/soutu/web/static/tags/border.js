/** The pictures on both sides of a tag's threshold, nearest first; they follow the handle. */

import { api, isAbort } from "../api.js";
import { toastError } from "../components/toast.js";
import { Element, css, h } from "../element.js";
import { t } from "../i18n.js";
import { TagCard } from "./card.js";

const SIDE = 12; // pictures on each side
const EVERY = 80; // ms between two questions to the server
const ASKED = 2; // under way at once: the older ones are called off, but one may still arrive

/** Both sides; tells "counted" with how many pictures hold the tag, "said" after an answer. */
export class TagBorder extends Element {
  static styles = css`
    so-tag-border { display: grid; grid-template-columns: 1fr 1fr; gap: var(--space-5); }
    so-tag-border h2 { display: flex; align-items: baseline; gap: var(--space-2); margin-bottom: var(--space-3); font-size: var(--text-md); }
    so-tag-border h2 span { color: var(--ink-2); font-weight: 400; font-size: var(--text-sm); }
    so-tag-border .cards { display: grid; grid-template-columns: repeat(4, 1fr); gap: 6px; min-height: 120px; align-content: start; }
    so-tag-border .cards > .slot { aspect-ratio: 1; border-radius: var(--radius-2); background: var(--surface-2); opacity: 0.45; }
    so-tag-border .cards > p { grid-column: 1 / -1; }
    @media (max-width: 640px) {
      so-tag-border { grid-template-columns: 1fr; }
      so-tag-border .over { order: -1; }
      so-tag-border .cards > :nth-child(n + 9) { display: none; }
    }
  `;

  #cards = new Map(); // by picture
  #asked = []; // requests under way, oldest first
  #drawn = 0;
  #number = 0;
  #last = 0;
  #timer = 0;

  constructor(name) {
    super();
    this.name = name;
  }

  build() {
    const side = (kind) => {
      this[kind] = h("div", { class: "cards" }, slots(SIDE));
      this[`${kind}Count`] = h("span", { class: "numbers" });
      return h("section", { class: kind, "aria-label": t(`tag.${kind}`) },
        h("h2", {}, t(`tag.${kind}`), this[`${kind}Count`]), this[kind]);
    };
    this.addEventListener("answer", ({ detail }) => this.#answer(detail));
    return [side("below"), side("over")];
  }

  disconnected() {
    clearTimeout(this.#timer);
    for (const { abort } of this.#asked) abort.abort();
  }

  /** Show the pictures at a threshold (null: the one in force), soon. */
  want(threshold) {
    clearTimeout(this.#timer);
    const rest = Math.max(0, this.#last + EVERY - performance.now());
    this.#timer = setTimeout(() => this.#ask(threshold), rest);
  }

  async #ask(threshold) {
    this.#last = performance.now();
    const mine = { number: (this.#number += 1), abort: new AbortController() };
    this.#asked.push(mine);
    while (this.#asked.length > ASKED) this.#asked.shift().abort.abort();
    try {
      const border = await api.get("tag/border", { name: this.name, threshold, k: SIDE }, { signal: mine.abort.signal });
      if (mine.number > this.#drawn && this.isConnected) {
        this.#drawn = mine.number;
        this.#draw(border);
      }
    } catch (error) {
      if (!isAbort(error)) toastError(error);
    }
    this.#asked = this.#asked.filter((each) => each !== mine);
  }

  #draw(border) {
    const kept = new Map();
    this.#side(this.below, border.below, kept, "tag.below.none");
    this.#side(this.over, border.above, kept, "tag.over.none");
    this.#cards = kept;
    this.count(border.count);
    this.emit("counted", border.count);
  }

  /** Say how many pictures hold the tag. */
  count(n) {
    this.overCount.textContent = t("tags.pictures", { n });
  }

  #side(place, questions, kept, none) {
    const cards = questions.map((question) => {
      const card = this.#cards.get(question.id) ?? new TagCard(question);
      kept.set(question.id, card);
      return card;
    });
    // Nodes that stay are not taken out, so that their pictures do not flicker.
    const wanted = cards.length ? [...cards, ...slots(SIDE - cards.length)] : [h("p", { class: "note" }, t(none))];
    wanted.forEach((node, i) => {
      if (place.children[i] !== node) place.insertBefore(node, place.children[i] ?? null);
    });
    while (place.children.length > wanted.length) place.lastChild.remove();
    questions.forEach((question, i) => cards[i].update(question));
  }

  async #answer({ card, value }) {
    const before = card.value;
    const list = value === null ? "clear" : value ? "yes" : "no";
    card.mark(value);
    try {
      await api.post("labels", { picture: card.question.id, [list]: [this.name] });
      this.emit("said", { value, card });
    } catch (error) {
      card.mark(before);
      toastError(error);
    }
  }

  /** Show what people have said so far of these pictures: a map of values by picture. */
  said(values) {
    for (const [id, card] of this.#cards) card.mark(values.get(id) ?? null);
  }
}

customElements.define("so-tag-border", TagBorder);

const slots = (n) => Array.from({ length: n }, () => h("div", { class: "slot" }));
