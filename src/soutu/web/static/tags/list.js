/** The vocabulary as a list: filtered while typing, a tree by parents, groups with headings. */

import { icon } from "../components/icon.js";
import { menuButton } from "../components/menu.js";
import { Element, css, debounce, fill, h, setStyle } from "../element.js";
import { number, t } from "../i18n.js";
import { recall, remember } from "../kept.js";
import { library } from "../library.js";
import { router } from "../router.js";
import { editTag, mergeTag, removeTag, renameTag } from "./actions.js";
import { arranged, matching, ownName } from "./vocabulary.js";

const PART = 400; // rows that are shown at once

/** The list; give it `show(tags, counts)`, counts null while they are being computed. */
export class TagList extends Element {
  static styles = css`
    so-tag-list { display: block; }
    so-tag-list .tag-tools { display: flex; gap: var(--space-2); margin-bottom: var(--space-3); }
    so-tag-list .tag-filter { position: relative; flex: 1; min-width: 0; }
    so-tag-list .tag-filter svg { position: absolute; left: 11px; top: calc(50% - 9px); width: 18px; height: 18px; color: var(--ink-3); pointer-events: none; }
    so-tag-list .tag-filter input { padding-left: 36px; }
    so-tag-list .select { width: auto; }
    so-tag-list .tag-rows { border: 1px solid var(--line); border-radius: var(--radius-3); background: var(--surface); overflow: hidden; }
    so-tag-list .tag-row { display: flex; align-items: center; gap: var(--space-3); min-height: 46px; padding: 4px 6px 4px calc(var(--space-4) + var(--depth, 0) * 22px); border-top: 1px solid var(--line); content-visibility: auto; contain-intrinsic-height: auto 46px; }
    so-tag-list .tag-row:first-child { border-top: 0; }
    so-tag-list .tag-row:hover { background: var(--surface-2); }
    so-tag-list .tag-group { gap: var(--space-2); min-height: 38px; background: var(--surface-2); color: var(--ink-2); font-size: var(--text-sm); }
    so-tag-list .tag-group b { font-weight: 620; color: var(--ink); }
    so-tag-list .tag-who { display: flex; align-items: baseline; gap: var(--space-2); flex: 1; min-width: 0; min-height: 36px; color: inherit; text-decoration: none; line-height: 36px; }
    so-tag-list .tag-who b { flex: 0 1 auto; font-weight: 550; }
    so-tag-list .tag-who span { flex: 1 1 0; min-width: 0; color: var(--ink-3); font-size: var(--text-sm); }
    so-tag-list .tag-who:hover b { color: var(--accent); }
    so-tag-list .tag-said { display: flex; gap: var(--space-2); font-size: var(--text-sm); color: var(--ink-3); }
    so-tag-list .tag-said span { display: inline-flex; align-items: center; gap: 2px; }
    so-tag-list .tag-said svg { width: 14px; height: 14px; }
    so-tag-list .tag-count { min-width: 76px; padding: 6px 0; text-align: end; color: var(--ink-2); font-size: var(--text-sm); text-decoration: none; }
    so-tag-list .tag-count:last-child { padding-right: var(--space-3); }
    so-tag-list a.tag-count:hover { color: var(--accent); text-decoration: underline; }
    so-tag-list .tag-count .skeleton { display: inline-block; width: 34px; height: 12px; vertical-align: middle; }
    so-tag-list .tag-more { display: flex; justify-content: center; padding: var(--space-3); border-top: 1px solid var(--line); }
    @media (max-width: 640px) {
      so-tag-list .tag-row { gap: var(--space-2); padding-left: calc(var(--space-3) + var(--depth, 0) * 14px); }
      so-tag-list .tag-said { display: none; }
      so-tag-list .tag-count { min-width: 40px; }
      so-tag-list .tag-count .words { display: none; }
    }
  `;

  #tags = [];
  #counts = null;
  #limit = PART;

  build() {
    this.filter = h("input", {
      class: "input", type: "search", placeholder: t("tags.filter"), "aria-label": t("tags.filter"),
      value: router.params.get("find") ?? "", autocomplete: "off", spellcheck: false,
    });
    const later = debounce(() => router.set({ find: this.filter.value }, { replace: true }), 300);
    this.filter.addEventListener("input", () => {
      this.#limit = PART;
      this.#draw();
      later();
    });
    this.order = h("select", { class: "select", "aria-label": t("tags.order"), onchange: () => this.#reorder() },
      ["name", "count"].map((by) => h("option", { value: by }, t(`tags.order.${by}`))));
    this.order.value = recall("tags.order") === "count" ? "count" : "name";
    this.rows = h("div", { class: "tag-rows", role: "list", "aria-label": t("tags.title") });
    this.none = h("so-empty", { class: "small", icon: "search", heading: t("tags.nofind"), text: t("tags.nofind.text"), hidden: true });
    this.found = h("p", { class: "unseen", role: "status" });
    return [
      h("div", { class: "tag-tools" }, h("div", { class: "tag-filter" }, icon("search"), this.filter), this.order),
      this.rows, this.none, this.found,
    ];
  }

  /** Show tags; `counts` is a list of TagCount, or null. */
  show(tags, counts) {
    this.#tags = tags;
    this.#counts = counts && new Map(counts.map((each) => [each.tag, each]));
    this.#draw();
  }

  #reorder() {
    remember("tags.order", this.order.value);
    this.#draw();
  }

  #draw() {
    const text = this.filter.value.trim();
    const numbers = new Map([...(this.#counts ?? [])].map(([name, each]) => [name, each.count]));
    const by = this.order.value;
    const rows = text ? matching(this.#tags, numbers, by, text) : arranged(this.#tags, numbers, by);
    const focused = document.activeElement?.closest?.(".tag-row")?.dataset.name;
    fill(this.rows, rows.slice(0, this.#limit).map((row) => (row.tag ? this.#row(row, text) : group(row))),
      rows.length > this.#limit && h("div", { class: "tag-more" }, h("button", {
        class: "button small", type: "button", onclick: () => { this.#limit += PART * 5; this.#draw(); },
      }, t("tags.more", { n: rows.length - this.#limit }))));
    this.rows.hidden = rows.length === 0;
    this.none.hidden = rows.length > 0;
    this.found.textContent = text ? t("tags.found", { n: rows.length }) : "";
    if (focused) this.rows.querySelector(`[data-name="${CSS.escape(focused)}"] button`)?.focus({ preventScroll: true });
  }

  #row({ tag, depth }, text) {
    const facts = this.#counts?.get(tag.name);
    const shown = ownName(tag);
    const others = shown ? [shown, ...tag.aliases.filter((alias) => alias !== shown)] : tag.aliases;
    const where = text && (tag.parent ?? tag.group);
    const row = h("div", { class: "tag-row", role: "listitem", dataset: { name: tag.name } },
      h("a", { class: "tag-who", href: router.href("/tags", { name: tag.name }) },
        h("b", { class: "clip" }, tag.name),
        h("span", { class: "clip" }, [where && t("tags.within", { name: where }), ...others].filter(Boolean).join(" · "))),
      facts && facts.yes + facts.no > 0 && said(facts),
      this.#count(tag, facts),
      library.readOnly ? null : more(tag));
    setStyle(row, { "--depth": depth });
    return row;
  }

  #count(tag, facts) {
    if (!this.#counts) return h("span", { class: "tag-count" }, h("span", { class: "skeleton" }));
    const n = facts?.count ?? 0;
    return h("a", {
      class: "tag-count numbers", href: router.href("/", { tag: tag.name }), title: t("tags.browse", { name: tag.name }),
      "aria-label": `${t("tags.pictures", { n })}, ${t("tags.browse", { name: tag.name })}`,
    }, number(n), h("span", { class: "words" }, ` ${t("tags.pictures.word", { n })}`));
  }
}

customElements.define("so-tag-list", TagList);

function group({ group: name, depth }) {
  const row = h("div", { class: "tag-row tag-group", role: "listitem" },
    h("b", {}, name), h("span", { class: "clip" }, t("tags.group.one")));
  setStyle(row, { "--depth": depth });
  return row;
}

function said({ yes, no }) {
  return h("span", { class: "tag-said numbers", title: t("tags.labels", { yes, no }) },
    h("span", { class: "unseen" }, t("tags.labels", { yes, no })),
    h("span", { "aria-hidden": "true" }, icon("check"), number(yes)),
    h("span", { "aria-hidden": "true" }, icon("close"), number(no)));
}

function more(tag) {
  const label = t("tags.actions", { name: tag.name });
  const button = h("button", { class: "button plain icon small", type: "button", "aria-label": label, title: label }, icon("dots"));
  return menuButton(button, () => tagMenu(tag));
}

/** Return the items of a tag's menu; `gone(tag or null)` is told what became of it. */
export function tagMenu(tag, gone = () => {}) {
  const then = async (promise) => {
    const now = await promise;
    if (now) gone(now === true ? null : now);
  };
  return [
    { label: t("tags.edit"), icon: "edit", run: () => then(editTag(tag)) },
    { label: t("tags.rename.dots"), icon: "tag", run: () => then(renameTag(tag)) },
    { label: t("tags.merge.dots"), icon: "merge", run: () => then(mergeTag(tag)) },
    "line",
    { label: t("tags.remove"), icon: "trash", danger: true, run: () => then(removeTag(tag)) },
  ];
}
