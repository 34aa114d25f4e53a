/** Tags: the vocabulary, one tag, suggestions, history. The address says which. */

import { api } from "../api.js";
import "../components/empty.js";
import { icon } from "../components/icon.js";
import { menuButton } from "../components/menu.js";
import { errorText } from "../components/toast.js";
import { Element, css, debounce, fill, h } from "../element.js";
import { events } from "../events.js";
import { t } from "../i18n.js";
import { library } from "../library.js";
import { router } from "../router.js";
import { addTag, undo } from "../tags/actions.js";
import { TagHistory } from "../tags/history.js";
import { TagIdeas } from "../tags/ideas.js";
import { TagList } from "../tags/list.js";
import { TagPage } from "../tags/page.js";
import { TagImport, exportItems, importTags } from "../tags/transfer.js";

const PARTS = { "": "tags.all", ideas: "tags.ideas", history: "tags.history" };

/** The view; `?name=` shows one tag, `?show=ideas|history` the other parts. */
export default class TagsView extends Element {
  static title = "nav.tags";

  static styles = css`
    so-tags-view .tabs { display: flex; gap: 2px; margin-bottom: var(--space-4); border-bottom: 1px solid var(--line); }
    so-tags-view .tabs a { padding: var(--space-2) var(--space-3); margin-bottom: -1px; border-bottom: 2px solid transparent; color: var(--ink-2); font-weight: 550; text-decoration: none; }
    so-tags-view .tabs a:hover { color: var(--ink); }
    so-tags-view .tabs a[aria-current] { color: var(--ink); border-bottom-color: var(--accent); }
    so-tags-view .waiting { height: 420px; border-radius: var(--radius-3); }
    so-tags-view .first { max-width: 560px; margin: 0 auto; }
    so-tags-view .first so-empty { padding-top: var(--space-6); padding-bottom: var(--space-5); }
  `;

  #shown = null;

  build() {
    this.classList.add("page");
  }

  async connected() {
    const again = debounce(() => this.#load(), 300);
    this.listen(events, "changed", again);
    this.listen(events, "vocabulary", () => this.#load());
    await library.ready.catch(() => {});
    this.routed();
  }

  /** Show what the address says. */
  routed() {
    const name = router.params.get("name");
    const show = router.params.get("show") ?? "";
    const wanted = name ? `name ${name}` : show;
    if (wanted === this.#shown) return;
    this.#shown = wanted;
    this.list = null;
    if (name) fill(this, new TagPage(name));
    else this.#parts(show in PARTS ? show : "");
    window.scrollTo(0, 0);
  }

  #parts(show) {
    this.place = h("div", {});
    fill(this, this.#head(), h("nav", { class: "tabs", "aria-label": t("tags.parts") },
      Object.entries(PARTS).map(([part, key]) => h("a", {
        href: router.href("/tags", { show: part }), "aria-current": part === show ? "page" : null,
      }, t(key)))), this.place);
    if (show === "ideas") fill(this.place, new TagIdeas());
    else if (show === "history") fill(this.place, new TagHistory());
    else {
      fill(this.place, h("div", { class: "waiting skeleton" }));
      this.list = new TagList();
      this.#load();
    }
  }

  #head() {
    const more = h("button", { class: "button icon", type: "button", "aria-label": t("tags.files"), title: t("tags.files") }, icon("dots"));
    menuButton(more, () => [
      !library.readOnly && { label: t("tags.import.dots"), icon: "upload", run: importTags },
      !library.readOnly && "line",
      ...exportItems(),
    ].filter(Boolean));
    return h("div", { class: "page-head" }, h("h1", {}, t("tags.title")),
      h("div", { class: "row" },
        !library.readOnly && h("button", { class: "button icon", type: "button", "aria-label": t("tags.undo.last"), title: t("tags.undo.last"), onclick: undo }, icon("undo")),
        more,
        !library.readOnly && h("button", { class: "button primary", type: "button", onclick: () => addTag() }, icon("plus"), t("tags.add"))));
  }

  async #load() {
    const list = this.list;
    if (!list) return;
    library.forgetTags();
    try {
      const counting = api.get("tags/counts", {}, { signal: this.signal }).catch(() => []);
      const tags = await library.tags();
      if (this.list !== list) return;
      this.#show(tags, list);
      const counts = await counting;
      if (this.list === list && tags.length) list.show(tags, this.counts = counts);
    } catch (error) {
      if (!this.signal.aborted) fill(this.place, h("p", { class: "note bad", role: "alert" }, errorText(error)));
    }
  }

  #show(tags, list) {
    if (!tags.length) {
      if (!this.place.querySelector(".first")) fill(this.place, nothing());
      return;
    }
    if (!list.isConnected) fill(this.place, list);
    list.show(tags, this.counts ?? null);
  }
}

customElements.define("so-tags-view", TagsView);

function nothing() {
  return h("div", { class: "first" },
    h("so-empty", { class: "small", icon: "tag", heading: t("tags.none"), text: t(library.readOnly ? "tags.none.readonly" : "tags.none.text") }),
    !library.readOnly && new TagImport());
}
