/** The folders whose pictures the library has: count, index again, forget. */

import { api } from "../api.js";
import { confirm } from "../components/dialog.js";
import { icon } from "../components/icon.js";
import { menuButton } from "../components/menu.js";
import { toast, toastError } from "../components/toast.js";
import { Element, css, fill, h, setStyle } from "../element.js";
import { number, t } from "../i18n.js";
import { library } from "../library.js";
import { router } from "../router.js";
import { folderTree } from "./tree.js";

const PART = 200; // folders of one that are shown at once
const FEW = 30; // folders of the only one that are shown from the start

/** The list, a tree that opens; `show(counts)`. Tells "index" with paths. */
export class FolderList extends Element {
  static styles = css`
    so-folder-list { display: block; border: 1px solid var(--line); border-radius: var(--radius-3); background: var(--surface); overflow: hidden; }
    so-folder-list .folder { display: flex; align-items: center; gap: var(--space-2); min-height: 44px; padding: 2px 6px 2px calc(var(--space-3) + var(--depth) * 22px); border-top: 1px solid var(--line); }
    so-folder-list > .folder:first-child { border-top: 0; }
    so-folder-list .folder:hover { background: var(--surface-2); }
    so-folder-list .open { width: 28px; height: 28px; min-height: 28px; }
    so-folder-list .open svg { width: 16px; height: 16px; transition: transform var(--quick); transform: rotate(-90deg); }
    so-folder-list .open[aria-expanded="true"] svg { transform: none; }
    so-folder-list .folder > svg { flex: none; width: 18px; height: 18px; color: var(--ink-3); }
    so-folder-list .name { flex: 1; min-width: 0; overflow-wrap: anywhere; line-height: 1.35; }
    so-folder-list .count { color: var(--ink-2); font-size: var(--text-sm); text-decoration: none; white-space: nowrap; }
    so-folder-list .count:last-child { padding-right: var(--space-3); }
    so-folder-list a.count:hover { color: var(--accent); text-decoration: underline; }
    so-folder-list .gap { flex: none; width: 28px; }
    so-folder-list .rest { padding: var(--space-2) var(--space-4); color: var(--ink-3); font-size: var(--text-sm); border-top: 1px solid var(--line); }
    @media (max-width: 640px) { so-folder-list .folder { padding-left: calc(var(--space-2) + var(--depth) * 12px); } so-folder-list .count .words { display: none; } }
  `;

  #open = new Set();
  #counts = null;

  /** Show counts of pictures by folder. */
  show(counts) {
    const tops = folderTree(counts);
    if (this.#counts === null && tops.length === 1 && tops[0].folders.length <= FEW) this.#open.add(tops[0].path);
    this.#counts = counts;
    const focused = this.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    fill(this, tops.map((folder) => this.#rows(folder, 0)));
    if (focused) this.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  #rows(folder, depth) {
    const opened = this.#open.has(folder.path);
    const rest = folder.folders.length - PART;
    return [
      this.#row(folder, depth, opened),
      opened && folder.folders.slice(0, PART).map((each) => this.#rows(each, depth + 1)),
      opened && rest > 0 && h("p", { class: "rest" }, t("indexing.folders.rest", { n: rest })),
    ];
  }

  #row(folder, depth, opened) {
    const { path, name, total } = folder;
    const row = h("div", { class: "folder" },
      folder.folders.length ? h("button", {
        class: "button plain icon open", type: "button", "aria-expanded": String(opened), dataset: { key: `open ${path}` },
        "aria-label": t("indexing.folders.open", { name }), onclick: () => this.#toggle(path),
      }, icon("chevron")) : h("span", { class: "gap" }),
      icon("folder"), h("span", { class: "name" }, name),
      h("a", { class: "count numbers", href: router.href("/", { where: `folder = '${path.replaceAll("'", "''")}'` }) },
        number(total), h("span", { class: "words" }, ` ${t("tags.pictures.word", { n: total })}`)),
      !library.readOnly && this.#menu(path, name));
    setStyle(row, { "--depth": depth });
    return row;
  }

  #menu(path, name) {
    const label = t("indexing.folders.actions", { name });
    return menuButton(h("button", { class: "button plain icon small", type: "button", "aria-label": label, title: label, dataset: { key: `menu ${path}` } }, icon("dots")), () => [
      { label: t("indexing.again"), icon: "refresh", run: () => this.emit("index", [path]) },
      { label: t("indexing.forget"), icon: "trash", danger: true, run: () => this.#forget(path) },
    ]);
  }

  #toggle(path) {
    if (!this.#open.delete(path)) this.#open.add(path);
    this.show(this.#counts);
  }

  async #forget(path) {
    try {
      const { removed } = await api.post("images/remove", { paths: [path], dry_run: true });
      const sure = await confirm({
        title: t("indexing.forget.title"), text: t("indexing.forget.text", { n: removed, path }),
        action: t("indexing.forget"), danger: true,
      });
      if (!sure) return;
      const done = await api.post("images/remove", { paths: [path] });
      toast(t("indexing.forgotten", { n: done.removed }));
      await library.refresh();
    } catch (error) {
      toastError(error);
    }
  }
}

customElements.define("so-folder-list", FolderList);
