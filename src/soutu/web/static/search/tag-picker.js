/**
 * Finding a tag by any of its names while typing.
 *
 *     const picker = new TagPicker();  picker.create = true;      // offers names that are no tag yet
 *     event: "tag" { name, minus, isNew }
 */

import { icon } from "../components/icon.js";
import { Element, css, fill, h } from "../element.js";
import { t } from "../i18n.js";
import { library } from "../library.js";

const SHOWN = 40;
let count = 0;

/** A field with a list beneath. `exclude` offers to leave tags out. */
export class TagPicker extends Element {
  static styles = css`
    so-tag-picker { display: flex; flex-direction: column; gap: var(--space-2); width: min(300px, 78vw); }
    so-tag-picker ul { max-height: 264px; overflow: auto; margin: 0 -8px; }
    so-tag-picker li { display: flex; align-items: center; gap: var(--space-2); min-height: 34px; padding: 0 4px 0 10px; border-radius: var(--radius-1); cursor: pointer; }
    so-tag-picker li[aria-selected="true"] { background: var(--surface-2); }
    so-tag-picker li .also { flex: 1; min-width: 0; color: var(--ink-3); font-size: var(--text-sm); }
    so-tag-picker li button { display: grid; place-items: center; width: 28px; height: 28px; border: 0; padding: 0; border-radius: var(--radius-1); background: none; color: var(--ink-3); cursor: pointer; }
    so-tag-picker li button:hover { background: var(--bad-soft); color: var(--bad); }
    so-tag-picker li button svg { width: 15px; height: 15px; }
    so-tag-picker .none { padding: var(--space-2) 2px; color: var(--ink-2); font-size: var(--text-sm); }
  `;

  exclude = false;
  create = false;
  #tags = [];
  #found = [];
  #at = 0;

  build() {
    const id = `tags-${(count += 1)}`;
    this.list = h("ul", { role: "listbox", id, "aria-label": t("tagpicker.list") });
    this.input = h("input", {
      class: "input", role: "combobox", "aria-controls": id, "aria-expanded": "true", "aria-autocomplete": "list",
      "aria-label": t("tagpicker.label"), placeholder: t("tagpicker.label"), autocomplete: "off", autofocus: true,
      oninput: () => { this.#at = 0; this.#show(); },
      onkeydown: (event) => this.#key(event),
    });
    this.none = h("p", { class: "none", hidden: true });
    return [this.input, this.list, this.none];
  }

  connected() {
    library.tags().then((tags) => {
      this.#tags = tags;
      this.#show();
    }, (error) => this.#say(error.message || t("error.unreachable")));
  }

  #say(text) {
    this.none.hidden = !text;
    this.none.textContent = text;
  }

  #show() {
    const text = this.input.value.trim();
    this.#found = matching(this.#tags, text).slice(0, SHOWN);
    const exact = this.#found.some(({ tag }) => namesOf(tag).some((name) => plain(name) === plain(text)));
    if (this.create && text && !exact) this.#found.push({ tag: { name: text }, isNew: true });
    fill(this.list, this.#found.map((found, index) => this.#line(found, index)));
    this.list.hidden = this.#found.length === 0;
    this.#say(this.#found.length ? "" : this.#tags.length ? t("tagpicker.none") : t("tagpicker.empty"));
    this.#mark();
  }

  #line({ tag, by, isNew }, index) {
    return h("li", {
      role: "option", id: `${this.list.id}-${index}`,
      onclick: () => this.#take(index, false), onpointermove: () => { this.#at = index; this.#mark(); },
    },
    isNew ? [icon("plus"), h("span", {}, t("tagpicker.new", { name: tag.name }))]
      : [h("span", {}, tag.name), h("span", { class: "also clip" }, by ?? "")],
    this.exclude && h("button", {
      type: "button", tabIndex: -1, title: t("tagpicker.without"), "aria-label": t("tagpicker.without.name", { name: tag.name }),
      onclick: (event) => { event.stopPropagation(); this.#take(index, true); },
    }, icon("minus")));
  }

  #mark() {
    for (const [index, line] of [...this.list.children].entries()) {
      line.setAttribute("aria-selected", String(index === this.#at));
    }
    const active = this.list.children[this.#at];
    if (active) this.input.setAttribute("aria-activedescendant", active.id);
    else this.input.removeAttribute("aria-activedescendant");
    active?.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.#found.length) {
      event.preventDefault();
      this.#at = (this.#at + step + this.#found.length) % this.#found.length;
      this.#mark();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (this.#found[this.#at]) this.#take(this.#at, this.exclude && event.shiftKey);
    }
  }

  #take(index, minus) {
    const { tag, isNew = false } = this.#found[index];
    this.input.value = "";
    this.#at = 0;
    this.#show();
    this.emit("tag", { name: tag.name, minus, isNew });
  }
}

customElements.define("so-tag-picker", TagPicker);

const plain = (text) => text.normalize("NFKC").toLowerCase();
const namesOf = (tag) => [tag.name, ...(tag.aliases ?? [])];

/** Return the tags that a text may mean: those of that name first, then those that begin with it. */
function matching(tags, text) {
  const wanted = plain(text);
  const found = [];
  for (const tag of tags) {
    let best = null;
    for (const name of namesOf(tag)) {
      const at = plain(name) === wanted ? -1 : plain(name).indexOf(wanted);
      const there = at >= 0 || plain(name) === wanted;
      if (there && (!best || at < best.at)) best = { at, by: name };
    }
    if (best) found.push({ tag, at: best.at, by: best.by === tag.name ? tag.aliases?.[0] : best.by });
  }
  return wanted ? found.sort((a, b) => Math.min(a.at, 1) - Math.min(b.at, 1)) : found;
}
