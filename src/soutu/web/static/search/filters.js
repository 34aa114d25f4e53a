/** Tags and filters: what is chosen as chips, what can be chosen as quiet buttons. Event: "ask" { question }. */

import { chip } from "../components/chip.js";
import { icon } from "../components/icon.js";
import { panelButton } from "../components/menu.js";
import { Element, css, fill, h } from "../element.js";
import { percent, t } from "../i18n.js";
import { advancedPanel } from "./advanced.js";
import { choicePanel, shortFolder } from "./choices.js";
import { datePanel } from "./dates.js";
import { TagPicker } from "./tag-picker.js";

const FIELDS = { folder: "folder", camera: "camera", format: "file" };

/** The row of filters beneath the search box. */
export class Filters extends Element {
  static styles = css`
    so-filters { display: flex; flex-wrap: wrap; justify-content: center; gap: 6px; }
    so-filters .filter-add { min-height: 32px; padding: 0 12px; border: 1px solid transparent; border-radius: var(--radius-round); background: none; color: var(--ink-2); font-size: var(--text-sm); font-weight: 550; gap: 6px; }
    so-filters .filter-add:hover, so-filters .filter-add[aria-expanded="true"] { background: var(--surface-2); color: var(--ink); }
    so-filters .filter-add svg { width: 16px; height: 16px; }
    so-filters .filter-chips { display: contents; }
    @media (max-width: 640px) {
      so-filters { flex-wrap: nowrap; justify-content: flex-start; overflow-x: auto; margin: 0 calc(-1 * var(--gutter)); padding: 2px var(--gutter); scrollbar-width: none; }
      so-filters > *, so-filters so-chip { flex: none; }
    }
  `;

  build() {
    this.chips = h("div", { class: "filter-chips" });
    const add = (key, image, panel) => panelButton(
      h("button", { class: "button filter-add", type: "button" }, icon(image), t(key)), panel, { label: t(key) });
    return [
      this.chips,
      add("filter.tag", "tag", (close) => this.#tagPanel(close)),
      ...Object.entries(FIELDS).map(([field, image]) =>
        add(`filter.${field}`, image, (_, menu) => choicePanel(field, () => this.question, (q) => this.#ask(q), menu))),
      add("filter.date", "calendar", (close) => datePanel(this.question, (q) => this.#ask(q), close)),
      add("filter.more", "sliders", (close) => advancedPanel(this.question, (q) => this.#ask(q), close)),
    ];
  }

  /** Show what a question holds. */
  show(question) {
    const before = this.question;
    this.question = question;
    const key = (q) => JSON.stringify([q.tags, q.folder, q.camera, q.format, q.from, q.to, q.raw, q.names, q.variety]);
    if (before && key(before) === key(question)) return;
    fill(this.chips, this.#tagChips(), this.#fieldChips(), this.#otherChips());
  }

  #ask(question) {
    this.emit("ask", { question });
  }

  #tagChips() {
    return this.question.tags.map((text) => {
      const minus = text.startsWith("!");
      const name = minus ? text.slice(1) : text;
      const others = () => this.question.tags.filter((each) => each !== text);
      return chip({
        label: name, icon: "tag", tone: minus ? "minus" : "accent",
        title: t(minus ? "filter.tag.include" : "filter.tag.exclude"),
        onclick: () => this.#ask(this.question.with({ tags: [...others(), minus ? name : `!${name}`] })),
        onremove: () => this.#ask(this.question.with({ tags: others() })),
      });
    });
  }

  #fieldChips() {
    return Object.entries(FIELDS).flatMap(([field, image]) => this.question[field].map((value) => chip({
      label: field === "folder" ? shortFolder(value) : value,
      title: value, icon: image, tone: "accent",
      onremove: () => this.#ask(this.question.with({ [field]: this.question[field].filter((each) => each !== value) })),
    })));
  }

  #otherChips() {
    const { from, to, raw, names, variety } = this.question;
    const made = (label, image, changes) => chip({
      label, title: label, icon: image, tone: "accent", onremove: () => this.#ask(this.question.with(changes)),
    });
    const period = from && to ? t("filter.period", { from, to })
      : from ? t("filter.from", { from }) : t("filter.to", { to });
    return [
      (from || to) && made(period, "calendar", { from: "", to: "" }),
      names.trim() && made(t("filter.names", { words: names }), "file", { names: "" }),
      raw.trim() && made(raw, "filter", { raw: "" }),
      variety > 0 && made(t("filter.variety", { share: percent(variety) }), "sliders", { variety: 0 }),
    ];
  }

  #tagPanel(close) {
    const picker = new TagPicker();
    picker.exclude = true;
    picker.addEventListener("tag", ({ detail: { name, minus } }) => {
      close();
      const others = this.question.tags.filter((each) => each.replace(/^!/, "") !== name);
      this.#ask(this.question.with({ tags: [...others, minus ? `!${name}` : name] }));
    });
    return picker;
  }
}

customElements.define("so-filters", Filters);
