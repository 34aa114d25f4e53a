/**
 * A field for several words or sentences, each a chip: Enter adds one, Backspace takes the last.
 *
 *     const field = wordsField({ label, hint, values: tag.aliases });
 *     field.values    // what is there, and what is being typed
 */

import { chip } from "../components/chip.js";
import { Element, css, fill, h } from "../element.js";

/** The field; made by `wordsField`. `split` is a pattern that ends a word while typing. */
export class Words extends Element {
  static styles = css`
    so-words { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; min-height: var(--control); padding: 3px; border: 1px solid var(--line-strong); border-radius: var(--radius-2); background: var(--surface); cursor: text; }
    so-words:focus-within { border-color: var(--accent); box-shadow: 0 0 0 3px color-mix(in srgb, var(--accent) 22%, transparent); }
    so-words .chips { display: contents; }
    so-words so-chip { height: 28px; border-radius: 8px; animation: none; }
    so-words input { flex: 1 1 120px; min-width: 80px; height: 28px; padding: 0 var(--space-2); border: 0; background: none; }
    so-words input:focus-visible { outline: none; }
  `;

  #values = [];

  build() {
    const { values, label, split } = this.options;
    this.#values = [...values];
    this.split = split;
    this.chips = h("span", { class: "chips" });
    this.input = h("input", { "aria-label": label, autocomplete: "off", spellcheck: false });
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.input.addEventListener("input", () => this.#typed());
    this.input.addEventListener("change", () => this.#take(this.input.value));
    this.addEventListener("click", (event) => event.target === this && this.input.focus());
    this.#draw();
    return [this.chips, this.input];
  }

  get values() {
    const typed = this.input.value.trim();
    return typed && !this.#values.includes(typed) ? [...this.#values, typed] : [...this.#values];
  }

  #key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && this.input.value.trim()) {
      event.preventDefault();
      this.#take(this.input.value);
    } else if (event.key === "Backspace" && !this.input.value && this.#values.length) {
      this.#values.pop();
      this.#draw();
    }
  }

  #typed() {
    if (!this.split.test(this.input.value)) return;
    for (const part of this.input.value.split(this.split)) this.#add(part);
    this.input.value = "";
    this.#draw();
  }

  #take(text) {
    this.#add(text);
    this.input.value = "";
    this.#draw();
  }

  #add(text) {
    const word = text.trim();
    if (word && !this.#values.includes(word)) this.#values.push(word);
  }

  #draw() {
    fill(this.chips, this.#values.map((value) => chip({
      label: value, tone: "plain", title: value, onremove: () => this.#drop(value),
    })));
  }

  #drop(value) {
    this.#values = this.#values.filter((each) => each !== value);
    this.#draw();
    this.input.focus();
  }
}

customElements.define("so-words", Words);

/** Make the field. */
export function wordsField({ label, values = [], split = /[,，、\n]/ }) {
  const made = new Words();
  made.options = { label, values, split };
  return made;
}
