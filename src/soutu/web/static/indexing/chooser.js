/** The dialog that chooses folders of the server's machine. */

import { api, isAbort } from "../api.js";
import { chip } from "../components/chip.js";
import { openDialog } from "../components/dialog.js";
import { icon } from "../components/icon.js";
import { errorText } from "../components/toast.js";
import { Element, css, fill, h } from "../element.js";
import { t } from "../i18n.js";
import { baseName } from "./told.js";

/** Folders to walk through and tick; tells "chosen" when that changes. */
export class FolderChooser extends Element {
  static styles = css`
    so-folder-chooser { display: flex; flex-direction: column; gap: var(--space-3); }
    so-folder-chooser .way { display: flex; gap: var(--space-2); }
    so-folder-chooser ul { height: min(340px, 42dvh); border: 1px solid var(--line); border-radius: var(--radius-2); overflow: auto; overscroll-behavior: contain; }
    so-folder-chooser li { display: flex; align-items: center; padding-left: var(--space-3); border-bottom: 1px solid var(--line); }
    so-folder-chooser li:hover { background: var(--surface-2); }
    so-folder-chooser li button { display: flex; align-items: center; gap: var(--space-2); flex: 1; min-width: 0; min-height: 42px; padding: 0 var(--space-3); border: 0; background: none; text-align: start; cursor: pointer; }
    so-folder-chooser li button span { flex: 1; min-width: 0; }
    so-folder-chooser li button svg { flex: none; width: 18px; height: 18px; color: var(--ink-3); }
    so-folder-chooser li button:focus-visible { outline-offset: -2px; }
    so-folder-chooser .here { display: flex; align-items: center; justify-content: space-between; gap: var(--space-2); min-height: var(--control-sm); }
    so-folder-chooser .none { padding: var(--space-5); text-align: center; color: var(--ink-3); }
    so-folder-chooser .chosen { display: flex; flex-wrap: wrap; gap: 6px; min-height: 32px; align-items: center; }
  `;

  chosen = [];

  build() {
    this.up = h("button", { class: "button icon", type: "button", "aria-label": t("indexing.choose.up"), title: t("indexing.choose.up"), onclick: () => this.#go(this.parent) }, icon("left"));
    this.path = h("input", { class: "input code", "aria-label": t("indexing.choose.path"), placeholder: t("indexing.choose.path"), spellcheck: false, autocomplete: "off" });
    this.path.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.#go(this.path.value.trim());
    });
    this.list = h("ul", { "aria-label": t("indexing.choose.list"), tabIndex: -1 });
    this.here = h("div", { class: "here small quiet" });
    this.picked = h("div", { class: "chosen", "aria-live": "polite" });
    return [h("div", { class: "way" }, this.up, this.path), this.here, this.list, this.picked];
  }

  connected() {
    this.#go("");
    this.#draw();
  }

  async #go(path) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const typed = this.path.value;
    try {
      const found = await api.get("folders", { path }, { signal: this.signal });
      if (turn !== this.turn) return; // the reader has gone on meanwhile
      this.parent = found.parent;
      this.now = found;
      if (this.path.value === typed) this.path.value = found.path;
      this.up.disabled = found.parent === null;
      this.list.scrollTop = 0;
      this.#rows();
    } catch (error) {
      if (turn === this.turn && !isAbort(error)) fill(this.here, h("span", { class: "note bad", role: "alert" }, errorText(error)));
    }
  }

  #rows() {
    const { path, folders, pictures } = this.now;
    fill(this.here,
      h("span", {}, path ? t("indexing.choose.here", { n: pictures }) : t("indexing.choose.begin")),
      path && h("button", { class: "button small", type: "button", onclick: () => this.#toggle(path) },
        t(this.chosen.includes(path) ? "indexing.choose.drop" : "indexing.choose.this")));
    const root = path === "";
    fill(this.list, folders.map((folder) => h("li", {},
      h("input", {
        type: "checkbox", checked: this.chosen.includes(folder.path), "aria-label": t("indexing.choose.tick", { name: folder.name }),
        onchange: () => this.#toggle(folder.path),
      }),
      h("button", { type: "button", onclick: () => this.#go(folder.path) }, icon("folder"),
        h("span", { class: "clip" }, root && folder.name !== folder.path ? `${folder.name} (${folder.path})` : folder.name), icon("right")))),
    !folders.length && h("li", { class: "none" }, t("indexing.choose.none")));
  }

  #toggle(path) {
    this.chosen = this.chosen.includes(path) ? this.chosen.filter((each) => each !== path) : [...this.chosen, path];
    this.#rows();
    this.#draw();
    this.emit("chosen");
  }

  #draw() {
    fill(this.picked, this.chosen.length
      ? this.chosen.map((path) => chip({ label: baseName(path), title: path, icon: "folder", onremove: () => this.#toggle(path) }))
      : h("span", { class: "small quiet" }, t("indexing.choose.nothing")));
  }
}

customElements.define("so-folder-chooser", FolderChooser);

/** Let the reader choose; resolves with paths, null when dismissed. */
export function chooseFolders() {
  const chooser = new FolderChooser();
  const go = h("button", { class: "button primary", type: "button", disabled: true, onclick: () => dialog.close(chooser.chosen) }, t("indexing.choose.go"));
  const dialog = openDialog({
    title: t("indexing.choose.title"),
    content: chooser,
    actions: [h("button", { class: "button", type: "button", onclick: () => dialog.close(null) }, t("dialog.cancel")), go],
  });
  chooser.addEventListener("chosen", () => {
    go.disabled = chooser.chosen.length === 0;
  });
  return dialog.closed;
}
