/** One tag: what it is, how it is spread, where its threshold lies, and what lies beside that. */

import { api } from "../api.js";
import { chip } from "../components/chip.js";
import "../components/empty.js";
import { icon } from "../components/icon.js";
import { menuButton } from "../components/menu.js";
import { errorText, toastError } from "../components/toast.js";
import { Element, css, debounce, fill, h } from "../element.js";
import { events } from "../events.js";
import { percent, t } from "../i18n.js";
import { library } from "../library.js";
import { router } from "../router.js";
import { undo } from "./actions.js";
import { TagBorder } from "./border.js";
import { tagMenu } from "./list.js";
import { TagSpread } from "./spread.js";

const BINS = 1000; // the axis is not even, so that bars need finer bins near zero

/** A tag's page. */
export class TagPage extends Element {
  static styles = css`
    so-tag-page { display: block; }
    so-tag-page .back { display: inline-flex; align-items: center; gap: 4px; margin-bottom: var(--space-2); color: var(--ink-2); font-size: var(--text-sm); text-decoration: none; }
    so-tag-page .back svg { width: 16px; height: 16px; }
    so-tag-page .back:hover { color: var(--ink); }
    so-tag-page .page-head { margin-bottom: var(--space-3); }
    so-tag-page h1 { overflow-wrap: anywhere; }
    so-tag-page .facts { display: flex; flex-wrap: wrap; align-items: center; gap: var(--space-2); min-height: 32px; margin-bottom: var(--space-5); }
    so-tag-page .facts a { color: inherit; }
    so-tag-page .spread { padding: var(--space-4) var(--space-5); margin-bottom: var(--space-5); }
    so-tag-page .spread .row { min-height: var(--control); margin-bottom: var(--space-4); }
    so-tag-page .again { margin-top: var(--space-4); display: flex; align-items: center; justify-content: center; gap: var(--space-3); min-height: var(--control); }
    @media (max-width: 640px) {
      so-tag-page .spread { display: flex; flex-direction: column; padding: var(--space-4); }
      so-tag-page .spread > .row { order: 1; align-content: start; min-height: 88px; margin: var(--space-3) 0 0; }
      so-tag-page .spread > .row > p { flex-basis: 100%; }
      so-tag-page .review { width: var(--control); padding: 0; } so-tag-page .review span { display: none; } }
  `;

  #facts = null;

  constructor(name) {
    super();
    this.name = name;
  }

  build() {
    this.top = h("div", {}, h("div", { class: "page-head" }, h("h1", {}, this.name)));
    this.body = h("div", {}); // filled last, so that nothing below jumps
    return [h("a", { class: "back", href: "/tags" }, icon("left"), t("tags.title")), this.top, this.body];
  }

  connected() {
    const again = debounce(() => this.#load(), 300);
    this.listen(events, "changed", again);
    this.listen(events, "vocabulary", again);
    this.#load();
  }

  async #load() {
    try {
      const ask = (path, more = {}) => api.get(path, { name: this.name, ...more }, { signal: this.signal });
      const facts = await ask("tag");
      this.#head(facts);
      const empty = facts.threshold === null;
      const [spread, labels] = empty ? [null, []] : await Promise.all([
        ask("tag/spread", { bins: BINS }),
        api.get("labels", { tag: facts.tag.name }, { signal: this.signal }),
      ]);
      const first = this.#facts === null;
      this.#facts = facts;
      if (empty) this.#nothing();
      else this.#show(facts, spread, labels, first);
    } catch (error) {
      if (!this.signal.aborted) this.#failed(error);
    }
  }

  #head({ tag, children, count, yes, no, source }) {
    const more = h("button", { class: "button icon", type: "button", "aria-label": t("tags.actions", { name: tag.name }), title: t("tags.actions", { name: tag.name }) }, icon("dots"));
    menuButton(more, () => tagMenu(tag, (now) => this.#became(now)));
    fill(this.top,
      h("div", { class: "page-head" }, h("h1", {}, tag.name), h("div", { class: "row" },
        !library.readOnly && h("a", { class: "button review", href: router.href("/review", { tag: tag.name }), "aria-label": t("nav.review") }, icon("check"), h("span", {}, t("nav.review"))),
        h("a", { class: "button primary", href: router.href("/", { tag: tag.name }) }, icon("image"), t("tag.browse", { n: count })),
        !library.readOnly && more)),
      h("div", { class: "facts small quiet" },
        tag.aliases.map((alias) => chip({ label: alias, tone: "plain" })),
        tag.parent && h("span", {}, `${t("tags.parent")}: `, link(tag.parent)),
        children.length > 0 && h("span", {}, `${t("tag.children")}: `, children.slice(0, 8).map((name, i) => [i > 0 && ", ", link(name)]), children.length > 8 && " …"),
        tag.group && h("span", {}, `${t("tags.group")}: ${tag.group}`),
        yes + no > 0 && h("span", { class: "numbers" }, t("tags.labels", { yes, no })),
        source === "learned" && h("span", {}, t("tag.learned")),
        source === "head" && h("span", {}, t("tag.head"))));
  }

  #became(now) {
    if (now === null) router.go("/tags", {}, { replace: true });
    else if (now.name !== this.name) router.go("/tags", { name: now.name }, { replace: true });
  }

  #show(facts, spread, labels, first) {
    if (!this.border) this.#frame();
    const fixed = facts.tag.group !== null || library.readOnly;
    this.spread.show(spread, { fixed: facts.tag.group !== null });
    this.spread.toggleAttribute("inert", library.readOnly);
    if (!this.spread.held) this.#note(facts, fixed);
    this.values = new Map(labels.filter((label) => label.id !== null).map((label) => [label.id, label.value]));
    if (first) this.border.want(null);
    else this.border.said(this.values);
    if (!first && !this.spread.held) this.border.count(facts.count);
  }

  #frame() {
    this.note = h("div", { class: "row apart" });
    this.spread = new TagSpread();
    this.border = new TagBorder(this.name);
    this.again = h("div", { class: "again" });
    fill(this.body, h("section", { class: "card spread", "aria-label": t("tag.spread") }, this.note, this.spread), this.border, this.again);
    this.spread.addEventListener("moving", ({ detail }) => this.border.want(detail));
    this.spread.addEventListener("moved", ({ detail }) => this.#save(detail));
    this.border.addEventListener("counted", ({ detail }) => {
      this.spread.say(detail);
      this.border.said(this.values);
    });
    this.border.addEventListener("said", ({ detail }) => this.#said(detail));
  }

  #note({ tag, threshold }, fixed) {
    const own = tag.threshold !== null;
    const text = tag.group !== null ? t("tag.group.decides", { group: tag.group })
      : t(own ? "tag.threshold.own" : fixed ? "tag.threshold.found" : "tag.threshold.auto", { at: percent(threshold, 1) });
    fill(this.note, h("p", { class: "quiet small grow" }, text),
      h("span", { class: "unseen", role: "status" }, this.saved && t("tag.threshold.saved")),
      this.saved && h("button", { class: "button small plain", type: "button", onclick: () => this.#undo() }, icon("undo"), t("tags.undo")),
      own && !fixed && h("button", { class: "button small", type: "button", onclick: () => this.#save(null) }, icon("spark"), t("tag.threshold.find")));
  }

  async #undo() {
    this.saved = false;
    await undo();
    await this.#load();
    this.border.want(null);
  }

  async #save(threshold) {
    const before = this.#facts.tag.threshold;
    try {
      await api.patch("tag", { threshold }, { params: { name: this.name } });
      library.forgetTags();
      this.saved = true; // said beside the handle: a message would cover the pictures
    } catch (error) {
      toastError(error);
      if (before !== null) this.spread.place(before);
    }
    await this.#load();
    this.border.want(null);
  }

  #said({ value, card }) {
    this.saved = false; // undo would take the answer back now
    if (value === null) this.values.delete(card.question.id);
    else this.values.set(card.question.id, value);
    if (!this.again.firstChild) {
      fill(this.again, h("button", { class: "button", type: "button", onclick: () => this.#next() }, icon("refresh"), t("tag.again")));
    }
  }

  #next() {
    fill(this.again);
    this.border.want(null);
  }

  #nothing() {
    this.border = null;
    fill(this.body, h("so-empty", { class: "small", icon: "image", heading: t("tag.empty"), text: t("tag.empty.text"),
      action: h("a", { class: "button primary", href: "/indexing" }, t("tag.empty.go")) }));
  }

  #failed(error) {
    fill(this.top);
    this.border = null;
    this.#facts = null;
    fill(this.body, h("so-empty", { icon: "tag", heading: t("tag.unknown", { name: this.name }), text: errorText(error),
      action: h("a", { class: "button", href: "/tags" }, t("tag.unknown.go")) }));
  }
}

customElements.define("so-tag-page", TagPage);

const link = (name) => h("a", { href: router.href("/tags", { name }) }, name);
