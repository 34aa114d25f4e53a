/** What could be done to the vocabulary: tags that may be missing, tags that may be one. */

import { api, thumbnail } from "../api.js";
import "../components/empty.js";
import { icon } from "../components/icon.js";
import { errorText, toastError } from "../components/toast.js";
import { Element, css, fill, h } from "../element.js";
import { percent, t } from "../i18n.js";
import { library } from "../library.js";
import { router } from "../router.js";
import { addTag, done, merged } from "./actions.js";

const LIMIT = 12;
const SHOWN = 5; // examples of a tag

/** New tags and merges, each with one click. */
export class TagIdeas extends Element {
  static styles = css`
    so-tag-ideas { display: flex; flex-direction: column; gap: var(--space-6); }
    so-tag-ideas h2 { font-size: var(--text-lg); }
    so-tag-ideas section > p { margin: var(--space-1) 0 var(--space-3); }
    so-tag-ideas .ideas { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: var(--space-3); }
    so-tag-ideas .idea { display: flex; flex-direction: column; gap: var(--space-3); padding: var(--space-3) var(--space-3) var(--space-3) var(--space-4); border: 1px solid var(--line); border-radius: var(--radius-3); background: var(--surface); }
    so-tag-ideas .idea[gone] { opacity: 0.5; }
    so-tag-ideas .examples { display: grid; grid-template-columns: repeat(5, 1fr); gap: 4px; }
    so-tag-ideas .examples a { aspect-ratio: 1; border-radius: var(--radius-1); background: var(--surface-2); overflow: hidden; }
    so-tag-ideas .examples img { width: 100%; height: 100%; object-fit: cover; }
    so-tag-ideas .pair { display: flex; align-items: center; gap: var(--space-2); min-width: 0; }
    so-tag-ideas .pair a { min-width: 0; color: inherit; font-weight: 550; text-decoration: none; }
    so-tag-ideas .pair a:hover { color: var(--accent); text-decoration: underline; }
    so-tag-ideas .pair svg { flex: none; width: 16px; height: 16px; color: var(--ink-3); }
    so-tag-ideas .waits { height: 120px; border-radius: var(--radius-3); }
  `;

  build() {
    this.fresh = h("div", { class: "ideas" }, waits());
    this.pairs = h("div", { class: "ideas" });
    this.second = h("section", { hidden: true }, h("h2", {}, t("tags.ideas.merge")),
      h("p", { class: "quiet small" }, t("tags.ideas.merge.text")), this.pairs);
    return [
      h("section", {}, h("h2", {}, t("tags.ideas.new")), h("p", { class: "quiet small" }, t("tags.ideas.new.text")), this.fresh),
      this.second,
    ];
  }

  async connected() {
    const pairs = this.#load("tags/similar", this.pairs, (idea) => this.#pair(idea), "tags.ideas.merge.none");
    await this.#load("tags/suggestions", this.fresh, (idea) => this.#fresh(idea), "tags.ideas.new.none");
    await pairs;
    this.second.hidden = false; // not before what is above it, which would push it down
  }

  async #load(path, place, drawn, none) {
    try {
      await library.ready;
      const empty = library.status.images === 0; // then there is nothing to compare
      const ideas = empty ? [] : await api.get(path, { limit: LIMIT }, { signal: this.signal });
      fill(place, ideas.length ? ideas.map(drawn) : h("p", { class: "note" }, t(none)));
    } catch (error) {
      if (!this.signal.aborted) fill(place, h("p", { class: "note bad" }, errorText(error)));
    }
  }

  #fresh(idea) {
    const card = h("article", { class: "idea", "aria-label": idea.name },
      h("div", { class: "row apart" },
        h("div", { class: "grow" }, h("h3", { class: "clip" }, idea.name),
          h("div", { class: "small quiet numbers" }, t("tags.pictures", { n: idea.count }))),
        !library.readOnly && h("div", { class: "row" },
          h("button", {
            class: "button small plain icon", type: "button", title: t("tags.ideas.edit"),
            "aria-label": t("tags.ideas.edit.name", { name: idea.name }),
            onclick: async () => (await addTag({ name: idea.name })) && card.remove(),
          }, icon("edit")),
          h("button", {
            class: "button small primary", type: "button", "aria-label": t("tags.ideas.add.name", { name: idea.name }),
            onclick: () => this.#take(card, async () => {
              const made = await api.post("tags", { name: idea.name });
              done(t("tags.added", { name: made.name }));
            }),
          }, icon("plus"), t("tags.add")))),
      h("div", { class: "examples" }, idea.example_ids.slice(0, SHOWN).map((id) =>
        h("a", { href: router.href("/", { q: idea.name, id }), "aria-label": t("tags.ideas.example", { name: idea.name }) },
          h("img", { src: thumbnail(id, 256), alt: "", loading: "lazy" })))));
    return card;
  }

  #pair({ keep, merge, overlap }) {
    const card = h("article", { class: "idea", "aria-label": `${merge}, ${keep}` },
      h("div", { class: "pair" }, named(merge), icon("arrow"), named(keep)),
      h("div", { class: "row apart" },
        h("span", { class: "small quiet numbers" }, t("tags.ideas.overlap", { share: percent(overlap) })),
        !library.readOnly && h("div", { class: "row" },
          h("button", { class: "button small plain", type: "button", onclick: () => card.remove() }, t("tags.ideas.keep")),
          h("button", {
            class: "button small", type: "button", "aria-label": t("tags.ideas.merge.pair", { name: merge, into: keep }),
            onclick: () => this.#take(card, () => merged(merge, keep)),
          }, icon("merge"), t("tags.merge")))));
    return card;
  }

  async #take(card, work) {
    card.setAttribute("gone", "");
    for (const button of card.querySelectorAll("button")) button.disabled = true;
    try {
      await work();
      card.remove();
    } catch (error) {
      toastError(error);
      card.removeAttribute("gone");
      for (const button of card.querySelectorAll("button")) button.disabled = false;
    }
  }
}

customElements.define("so-tag-ideas", TagIdeas);

const named = (name) => h("a", { class: "clip", href: router.href("/tags", { name }) }, name);

const waits = () => [0, 1, 2].map(() => h("div", { class: "waits skeleton" }));
