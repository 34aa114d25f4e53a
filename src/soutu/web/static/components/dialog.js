/**
 * Dialogs, on the browser's own <dialog>: focus stays inside, Esc closes, focus goes back.
 *
 *     const dialog = openDialog({ title, content: node, actions: [node, …], size: "wide" });
 *     dialog.close("value");   const value = await dialog.closed;      // null: dismissed
 *     if (await confirm({ title, text, action: t("tags.remove"), danger: true })) …
 */

import { Element, css, h } from "../element.js";
import { t } from "../i18n.js";
import { icon } from "./icon.js";

/** A dialog; made by `openDialog`. `size`: "normal", "wide" or "full". */
export class Dialog extends Element {
  static styles = css`
    so-dialog dialog {
      width: min(480px, calc(100vw - 2 * var(--space-4)));
      max-height: min(86dvh, 900px);
      padding: 0;
      border: 1px solid var(--line);
      border-radius: var(--radius-3);
      background: var(--surface);
      color: var(--ink);
      box-shadow: var(--shadow-3);
      overflow: hidden;
    }
    so-dialog dialog[open] { display: flex; flex-direction: column; animation: so-rise var(--calm) var(--ease); }
    so-dialog dialog::backdrop { background: var(--veil); animation: so-appear var(--calm); }
    so-dialog[size="wide"] dialog { width: min(920px, calc(100vw - 2 * var(--space-4))); }
    so-dialog[size="full"] dialog { width: calc(100vw - 2 * var(--space-5)); max-width: none; height: calc(100dvh - 2 * var(--space-5)); max-height: none; }
    so-dialog header { display: flex; align-items: center; gap: var(--space-3); padding: var(--space-4) var(--space-4) 0 var(--space-5); }
    so-dialog header h2 { flex: 1; min-width: 0; font-size: var(--text-lg); }
    so-dialog .dialog-body { flex: 1; min-height: 0; padding: var(--space-4) var(--space-5) var(--space-5); overflow: auto; }
    so-dialog footer { display: flex; flex-wrap: wrap; justify-content: flex-end; gap: var(--space-2); padding: var(--space-4) var(--space-5); border-top: 1px solid var(--line); }
    @media (max-width: 640px) {
      so-dialog[size="wide"] dialog, so-dialog[size="full"] dialog { width: 100vw; height: 100dvh; max-width: none; max-height: none; border: 0; border-radius: 0; }
    }
  `;

  /** Resolves with the value of `close`, null when it was dismissed. */
  closed = new Promise((resolve) => {
    this.resolve = resolve;
  });

  build() {
    const { title, content, actions = [], closable = true } = this.options;
    const heading = h("h2", { id: `dialog-${(Dialog.count = (Dialog.count ?? 0) + 1)}` }, title);
    this.dialog = h("dialog", { "aria-labelledby": heading.id },
      h("header", {}, heading, closable && h("button", {
        class: "button plain icon small", type: "button", "aria-label": t("dialog.close"),
        onclick: () => this.close(null),
      }, icon("close"))),
      h("div", { class: "dialog-body" }, content),
      actions.length > 0 && h("footer", {}, actions));
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      if (closable) this.close(null);
    });
    this.dialog.addEventListener("close", () => this.#end());
    this.dialog.addEventListener("click", (event) => {
      if (closable && event.target === this.dialog && this.pressed === this.dialog) this.close(null);
    });
    this.dialog.addEventListener("pointerdown", (event) => {
      this.pressed = event.target; // a drag that only ends on the veil must not close
    });
    return this.dialog;
  }

  connected() {
    this.before = document.activeElement;
    this.dialog.showModal();
  }

  /** Close with a value. */
  close(value = null) {
    this.value = value;
    this.dialog.close();
  }

  #end() {
    this.remove();
    if (this.before?.isConnected) this.before.focus({ preventScroll: true });
    this.resolve(this.value ?? null);
  }
}

customElements.define("so-dialog", Dialog);

/**
 * Open a dialog.
 *
 * @param {{title: string, content: Node|Node[], actions?: Node[], size?: string, closable?: boolean}} options
 * @returns {Dialog} with `close(value)` and the promise `closed`
 */
export function openDialog(options) {
  const made = new Dialog();
  made.options = options;
  made.setAttribute("size", options.size ?? "normal");
  document.body.append(made);
  return made;
}

/** Ask a yes-or-no question; resolves to whether it was confirmed. */
export async function confirm({ title, text, action, danger = false }) {
  const dialog = openDialog({
    title,
    content: h("p", { class: "quiet" }, text),
    actions: [
      h("button", { class: "button", type: "button", onclick: () => dialog.close(false) }, t("dialog.cancel")),
      h("button", {
        class: `button ${danger ? "danger" : "primary"}`, type: "button", autofocus: true,
        onclick: () => dialog.close(true),
      }, action),
    ],
  });
  return (await dialog.closed) === true;
}
