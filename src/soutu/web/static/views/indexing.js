/** Indexing: which folders the library has, what runs, what could not be read. */

import { api } from "../api.js";
import "../components/empty.js";
import { icon } from "../components/icon.js";
import { errorText, toastError } from "../components/toast.js";
import { Element, css, fill, h } from "../element.js";
import { bytes, t } from "../i18n.js";
import { chooseFolders } from "../indexing/chooser.js";
import { Failures } from "../indexing/failures.js";
import { FolderList } from "../indexing/folders.js";
import { JobList } from "../indexing/joblist.js";
import { ENDED } from "../indexing/told.js";
import { writeTags } from "../indexing/writing.js";
import { library } from "../library.js";

/** The view. */
export default class IndexingView extends Element {
  static title = "nav.indexing";

  static styles = css`
    so-indexing-view > section { margin-top: var(--space-6); }
    so-indexing-view > section > .row { margin-bottom: var(--space-3); min-height: var(--control); }
    so-indexing-view h2 { font-size: var(--text-lg); }
    so-indexing-view .sums { margin: calc(-1 * var(--space-4)) 0 var(--space-5); }
    so-indexing-view .failures { padding: var(--space-2) var(--space-5); }
    so-indexing-view .write { display: flex; flex-wrap: wrap; align-items: center; gap: var(--space-3) var(--space-5); }
    so-indexing-view .write p { flex: 1 1 320px; margin-top: var(--space-1); }
    so-indexing-view .write > div { flex: 1 1 320px; }
    .write-choice { flex-wrap: nowrap; align-items: flex-start; gap: var(--space-3); padding: var(--space-3) var(--space-4); border: 1px solid var(--line); border-radius: var(--radius-2); cursor: pointer; }
    .write-choice:has(input:checked) { border-color: var(--accent); background: var(--accent-soft); }
    .write-choice input { flex: none; margin-top: 3px; }
    .write-text { display: block; }
  `;

  build() {
    this.classList.add("page");
    this.sums = h("p", { class: "quiet sums numbers" }, "\u00a0");
    this.jobs = new JobList({ kinds: ["index", "write-tags"], ended: 1 });
    this.place = h("div", {});
    this.folders = new FolderList();
    this.buttons = h("div", { class: "row" });
    return [h("div", { class: "page-head" }, h("h1", {}, t("nav.indexing")), this.buttons), this.sums, this.jobs, this.place];
  }

  async connected() {
    this.listen(this, "index", ({ detail }) => this.#index(detail));
    this.listen(this, "jobs", ({ detail }) => ENDED.includes(detail.state) && library.refresh().catch(() => {}));
    try {
      await Promise.all([library.refresh(), this.jobs.ready]);
      this.#show();
      this.listen(library, "status", () => this.#show());
    } catch (error) {
      fill(this.place, h("p", { class: "note bad", role: "alert" }, errorText(error)));
    }
  }

  #show() {
    const { images, failures, bytes_on_disk: size, folders } = library.status;
    this.sums.textContent = [t("indexing.pictures", { n: images }), t("indexing.size", { size: bytes(size) }), library.status.path].join(" · ");
    if (!this.buttons.firstChild && !library.readOnly) {
      fill(this.buttons, h("button", { class: "button primary", type: "button", onclick: () => this.#choose() }, icon("plus"), t("indexing.add")));
    }
    if (images === 0 && !failures.length) {
      this.#nothing();
      return;
    }
    if (!this.folders.isConnected) this.#sections();
    this.folders.show(folders);
    this.#failures(failures);
  }

  #sections() {
    this.failures = h("section", { hidden: true });
    this.replaceChildren(...[...this.children].filter((node) => node !== this.place),
      this.place,
      h("section", {}, h("div", { class: "row apart" }, h("h2", {}, t("indexing.folders")),
        !library.readOnly && h("button", { class: "button small", type: "button", onclick: () => this.#index(this.#tops()) }, icon("refresh"), t("indexing.all"))), this.folders),
      this.failures,
      ...(library.readOnly ? [] : [h("section", { class: "card write" },
        h("div", {}, h("h2", {}, t("indexing.write.title")), h("p", { class: "quiet small" }, t("indexing.write.text"))),
        h("button", { class: "button", type: "button", onclick: () => this.#write() }, icon("tag"), t("indexing.write.dots")))]));
    fill(this.place);
  }

  #failures(failures) {
    this.failures.hidden = failures.length === 0;
    const key = JSON.stringify(failures);
    if (!failures.length || key === this.shown) return;
    this.shown = key;
    fill(this.failures,
      h("div", { class: "row apart" }, h("h2", { class: "numbers" }, t("indexing.failures", { n: failures.length })),
        !library.readOnly && h("button", {
          class: "button small", type: "button", onclick: () => this.#index(failures.slice(0, 1000).map(({ path }) => path)),
        }, icon("refresh"), t("indexing.failures.again"))),
      h("div", { class: "card failures" }, new Failures(failures)));
  }

  #nothing() {
    for (const section of [...this.children].filter((node) => node.localName === "section")) section.remove();
    fill(this.place, h("so-empty", {
      class: "small", icon: "folder", heading: t("indexing.none"), text: t(library.readOnly ? "indexing.none.readonly" : "indexing.none.text"),
      action: library.readOnly ? null : h("button", { class: "button primary", type: "button", onclick: () => this.#choose() }, icon("plus"), t("indexing.add")),
    }));
  }

  #tops() {
    const all = Object.keys(library.status.folders);
    const inside = (path, other) => path !== other && (path.startsWith(`${other}/`) || path.startsWith(`${other}\\`));
    return all.filter((path) => !all.some((other) => inside(path, other))).slice(0, 1000);
  }

  async #choose() {
    const paths = await chooseFolders();
    if (paths?.length) await this.#index(paths);
  }

  async #index(paths) {
    try {
      this.jobs.take(await api.post("jobs/index", { paths }));
      window.scrollTo({ top: 0, behavior: "smooth" });
    } catch (error) {
      toastError(error);
    }
  }

  async #write() {
    const job = await writeTags();
    if (!job) return;
    this.jobs.take(job);
    window.scrollTo({ top: 0, behavior: "smooth" });
  }
}

customElements.define("so-indexing-view", IndexingView);
