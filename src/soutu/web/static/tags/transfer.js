/** Bringing tags in (starter vocabularies, files, keywords of pictures) and taking them out. */

import { address, api } from "../api.js";
import { openDialog } from "../components/dialog.js";
import { icon } from "../components/icon.js";
import { errorText } from "../components/toast.js";
import { Element, css, h } from "../element.js";
import { t } from "../i18n.js";
import { imported } from "./actions.js";

const FORMATS = ["csv", "json", "toml"];

/** The ways in; tells "imported" with the report. */
export class TagImport extends Element {
  static styles = css`
    so-tag-import { display: flex; flex-direction: column; gap: var(--space-5); text-align: start; }
    so-tag-import section { display: flex; flex-direction: column; gap: var(--space-2); }
    so-tag-import .starter { display: flex; align-items: center; gap: var(--space-3); width: 100%; padding: var(--space-3) var(--space-4); border: 1px solid var(--line); border-radius: var(--radius-2); background: var(--surface); text-align: start; cursor: pointer; }
    so-tag-import .starter:hover { border-color: var(--accent); background: var(--accent-soft); }
    so-tag-import .starter:disabled { opacity: 0.5; cursor: default; }
    so-tag-import .starter span { flex: 1; min-width: 0; }
    so-tag-import .starter svg { flex: none; color: var(--ink-2); }
    so-tag-import .starter small { display: block; color: var(--ink-2); font-size: var(--text-sm); }
    so-tag-import .starters { display: grid; gap: var(--space-2); min-height: 290px; align-content: start; }
  `;

  build() {
    this.fault = h("p", { class: "note bad", role: "alert", hidden: true });
    this.starters = h("div", { class: "starters" });
    this.file = h("input", { type: "file", accept: ".csv,.json,.toml", class: "unseen", tabIndex: -1, "aria-label": t("tags.import.file") });
    this.file.addEventListener("change", () => this.file.files[0] && this.#upload(this.file.files[0]));
    this.conflict = h("select", { class: "select", "aria-label": t("tags.import.conflict") },
      ["update", "skip", "error"].map((value) => h("option", { value }, t(`tags.import.conflict.${value}`))));
    this.atLeast = h("input", { class: "input numbers", type: "number", min: 1, value: "2", "aria-label": t("tags.import.least") });
    this.atLeast.style.setProperty("width", "72px");
    return [
      this.fault,
      h("section", {}, h("h3", {}, t("tags.import.starters")), this.starters),
      h("section", {}, h("h3", {}, t("tags.import.file")), h("p", { class: "quiet small" }, t("tags.import.file.text")),
        h("div", { class: "row" }, h("label", { class: "field grow" }, this.conflict), this.file,
          h("button", { class: "button", type: "button", onclick: () => this.file.click() }, icon("upload"), t("tags.import.choose")))),
      h("section", {}, h("h3", {}, t("tags.import.keywords")), h("p", { class: "quiet small" }, t("tags.import.keywords.text")),
        h("div", { class: "row" }, h("label", { class: "row small grow" }, t("tags.import.least"), this.atLeast),
          h("button", { class: "button", type: "button", onclick: () => this.#keywords() }, t("tags.import.keywords.go")))),
    ];
  }

  async connected() {
    try {
      const starters = await api.get("tags/starters", {}, { signal: this.signal });
      const first = ([name]) => (name === "everyday" ? 0 : 1); // what most people begin with
      const listed = Object.entries(starters).sort((a, b) => first(a) - first(b));
      this.starters.replaceChildren(...listed.map(([name, text]) => h("button", {
        class: "starter", type: "button",
        onclick: () => this.#run(() => api.post("tags/import", { starter: name, on_conflict: "skip" })),
      }, h("span", {}, h("b", {}, said(`tags.starter.${name}`, name)), h("small", {}, said(`tags.starter.${name}.text`, text))), icon("plus"))));
    } catch (error) {
      this.#fail(error);
    }
  }

  #upload(file) {
    const form = new FormData();
    form.append("on_conflict", this.conflict.value);
    form.append("file", file);
    this.file.value = "";
    return this.#run(() => api.post("tags/import", form));
  }

  #keywords() {
    return this.#run(() => api.post("tags/keywords", { at_least: Math.max(1, Number(this.atLeast.value) || 1) }));
  }

  async #run(work) {
    this.fault.hidden = true;
    for (const button of this.querySelectorAll("button")) button.disabled = true;
    try {
      const report = await work();
      this.emit("imported", report);
      imported(report);
    } catch (error) {
      this.#fail(error);
    }
    for (const button of this.querySelectorAll("button")) button.disabled = false;
  }

  #fail(error) {
    if (this.signal.aborted) return;
    this.fault.textContent = errorText(error);
    this.fault.hidden = false;
  }
}

customElements.define("so-tag-import", TagImport);

// The server describes its vocabularies in English; the page knows those that ship with it.
function said(key, otherwise) {
  try {
    return t(key);
  } catch {
    return otherwise;
  }
}

/** Open the ways in as a dialog. */
export function importTags() {
  const ways = new TagImport();
  const dialog = openDialog({ title: t("tags.import.title"), content: ways });
  ways.addEventListener("imported", () => dialog.close());
}

/** Return items of a menu that take the vocabulary out. */
export const exportItems = () => FORMATS.map((format) => ({
  label: t("tags.export.as", { format: format.toUpperCase() }),
  icon: "download",
  run: () => save(address("tags/export", { format })),
}));

function save(href) {
  const link = h("a", { href, download: "" });
  document.body.append(link);
  link.click();
  link.remove();
}
