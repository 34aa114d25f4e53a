/** Search: the box, the filters, what was found, and a picture looked at closely. */

import { toast, toastError } from "../components/toast.js";
import { Detail } from "../detail/detail.js";
import { Element, css, debounce, h } from "../element.js";
import { events } from "../events.js";
import { t } from "../i18n.js";
import { router } from "../router.js";
import { SearchBox } from "../search/box.js";
import { cropPicture } from "../search/cropping.js";
import { DropZone } from "../search/dropping.js";
import { Filters } from "../search/filters.js";
import { Question } from "../search/question.js";
import { Results } from "../search/results.js";
import { listenForKeys } from "../search/shortcuts.js";
import { Terms, pictureOf } from "../search/terms.js";
import { uploads } from "../search/uploads.js";

const ONE_ENTRY = 3000; // milliseconds; typing with shorter pauses makes one entry of the history

/** The view at /. The address holds the question; everything follows from it. */
export default class SearchView extends Element {
  static styles = css`
    so-search-view .search-top { position: sticky; top: var(--bar-height); z-index: 20; display: flex; flex-direction: column; gap: var(--space-3); padding: var(--space-2) var(--gutter) var(--space-3); background: color-mix(in srgb, var(--ground) 92%, transparent); backdrop-filter: saturate(1.4) blur(14px); }
    so-search-view so-search-box { width: 100%; max-width: 760px; margin: 0 auto; }
    .choice-panel, .date-panel, .advanced-panel { width: min(300px, 78vw); }
    .advanced-panel { width: min(380px, 82vw); }
    .choice-list { max-height: 300px; overflow: auto; margin: 0 -8px; padding: 0 8px; gap: 0; }
    .choice-line { min-height: 34px; gap: var(--space-3); }
    .choice-wait { height: 96px; }
    .crop-hint { margin-bottom: var(--space-3); }
    .advanced-panel .fault { overflow-wrap: anywhere; }
  `;

  #typed = 0; // when the last words were typed

  build() {
    this.box = new SearchBox();
    this.terms = new Terms();
    this.filters = new Filters();
    this.results = new Results();
    this.detail = new Detail();
    return [
      h("h1", { class: "unseen" }, t("nav.search")),
      h("search", { class: "search-top", "aria-label": t("box.label") }, this.box, this.terms, this.filters),
      this.results, this.detail, new DropZone(),
    ];
  }

  connected() {
    this.listen(this, "words", ({ detail }) => this.#words(detail));
    this.listen(this, "files", ({ detail }) => this.#files(detail.files));
    this.listen(this, "term", ({ detail }) => this.#ask(this.question.adding(detail)));
    this.listen(this, "ask", ({ detail }) => this.#ask(detail.question));
    this.listen(this, "crop", ({ detail }) => this.#crop(detail.term).catch(toastError));
    this.listen(this, "like", ({ detail }) => this.#like(detail.item.id, 1));
    this.listen(this, "unlike", ({ detail }) => this.#like(detail.item.id, -1));
    this.listen(this, "labelled", ({ detail }) => this.results.feed?.tell("label", detail.id));
    for (const click of ["click", "auxclick"]) this.listen(this.results, click, (event) => this.#clicked(event));
    this.listen(this, "enter", () => this.results.grid.focusItem(0));
    this.listen(this, "feed", ({ detail }) => this.detail.follow(detail.feed));
    this.listen(this, "left", ({ detail }) => this.#back(detail.index));
    this.listen(events, "changed", debounce(() => this.results.refresh(), 1000));
    listenForKeys(this);
    this.routed();
    if (this.question.isEmpty && matchMedia("(hover: hover)").matches) this.box.input.focus({ preventScroll: true });
  }

  /** Show what the address says. */
  routed() {
    const question = new Question(router.params);
    const lost = router.params.getAll("upload").length
      - question.terms.filter(({ kind }) => kind === "upload").length;
    if (lost > 0) {
      toast(t("upload.lost"));
      router.set(question.params(), { replace: true });
      return;
    }
    const before = this.question;
    this.question = question;
    this.box.text = question.words;
    this.terms.show(question);
    this.filters.show(question);
    if (before?.key !== question.key) this.results.ask(question);
    document.title = question.words.trim() ? `${question.words.trim()} · soutu` : "soutu";
    this.detail.show(Number(router.params.get("id")) || null, question);
  }

  #ask(question, { replace = false, leave = false } = {}) {
    router.set({ ...question.params(), ...(leave ? { id: null } : {}) }, { replace });
  }

  #words({ text, final }) {
    if (text.trim() !== this.question.words.trim()) {
      const replace = Date.now() - this.#typed < ONE_ENTRY;
      this.#typed = Date.now();
      this.#ask(this.question.with({ words: text.trim() }), { replace });
    }
    if (final) this.#typed = 0;
  }

  async #files(files) {
    if (files.length === 0) {
      toast(t("drop.none"));
      return;
    }
    const keys = await Promise.all(files.slice(0, 8).map((file) => uploads.add(file)));
    const question = keys.reduce((all, value) => all.adding({ kind: "upload", value }), this.question);
    this.#ask(question, { leave: true });
  }

  async #crop(term) {
    const box = await cropPicture({ source: pictureOf(term), box: term.box });
    if (!box) return;
    const kept = this.question.terms.find((each) => each.kind === term.kind && each.value === term.value
      && String(each.box) === String(term.box));
    const question = kept ? this.question.changing(kept, { box }) : this.question.adding({ ...term, box });
    this.#ask(question, { leave: true });
  }

  #clicked({ target, button }) {
    const cell = button < 2 && target.closest("so-cell > a")?.parentElement;
    if (cell) this.results.feed?.tell("open", cell.item.id);
  }

  #like(id, weight) {
    this.results.feed?.tell(weight > 0 ? "like" : "unlike", id);
    this.#ask(this.question.adding({ kind: "like", value: id, weight }), { leave: true });
  }

  #back(index) {
    if (index >= 0) this.results.grid.focusItem(index);
    else this.box.input.focus({ preventScroll: true });
  }
}

customElements.define("so-search-view", SearchView);
