/**
 * Short messages at the foot of the page, read out by screen readers.
 *
 *     toast(t("tags.removed", { n: 2 }), { action: t("undo"), run: undo });
 *     toastError(error);        // an ApiError in its own words; says nothing of aborted requests
 */

import { ApiError, isAbort } from "../api.js";
import { Element, css, h } from "../element.js";
import { t } from "../i18n.js";
import { icon } from "./icon.js";

const SHOWN = 6000;

/** The place where messages appear; one is made when first needed. */
export class Toasts extends Element {
  static styles = css`
    so-toasts { position: fixed; inset: auto 0 calc(var(--foot-height) + var(--space-5)); z-index: 100; display: flex; flex-direction: column; align-items: center; gap: var(--space-2); border: 0; padding: 0 var(--space-4); background: none; pointer-events: none; width: auto; margin: 0; overflow: visible; }
    so-toasts .toast { display: flex; align-items: center; gap: var(--space-3); max-width: 560px; padding: var(--space-2) var(--space-2) var(--space-2) var(--space-4); border-radius: var(--radius-2); background: light-dark(#2a2926, #f0eee9); color: light-dark(#fafaf8, #1d1c1a); box-shadow: var(--shadow-2); pointer-events: auto; animation: so-rise var(--calm) var(--ease); overflow-wrap: anywhere; }
    so-toasts .toast.bad { background: light-dark(#8f1d16, #f7c9c5); color: light-dark(#fff, #3b0d09); }
    so-toasts button { border: 0; border-radius: var(--radius-1); background: none; min-height: 32px; padding: 0 var(--space-2); font-weight: 620; color: light-dark(#8fdcd3, #0b6b66); cursor: pointer; white-space: nowrap; }
    so-toasts .toast.bad button, so-toasts button.shut { color: inherit; }
    so-toasts button.shut { display: inline-flex; align-items: center; }
    so-toasts button.shut svg { width: 16px; height: 16px; }
  `;

  connected() {
    this.setAttribute("popover", "manual"); // the top layer: above an open dialog's veil
    this.setAttribute("role", "log");
    this.setAttribute("aria-live", "polite");
    this.setAttribute("aria-label", t("toast.label"));
  }

  /** Show a message. */
  say(message, { kind = "", action = "", run = null, lasting = false } = {}) {
    const line = h("div", { class: ["toast", kind] }, h("span", {}, message),
      action && h("button", { type: "button", onclick: () => { line.remove(); run?.(); } }, action),
      h("button", { class: "shut", type: "button", "aria-label": t("dialog.close"), onclick: () => this.#drop(line) },
        icon("close")));
    while (this.children.length > 2) this.firstChild.remove();
    this.append(line);
    this.hidePopover?.();
    this.showPopover?.();
    if (!lasting) setTimeout(() => this.#expire(line), action ? SHOWN * 2 : SHOWN);
  }

  #expire(line) {
    if (line.matches(":hover, :focus-within")) setTimeout(() => this.#expire(line), SHOWN / 2);
    else this.#drop(line);
  }

  #drop(line) {
    line.remove();
    if (!this.firstChild) this.hidePopover?.();
  }
}

customElements.define("so-toasts", Toasts);

/** Show a message; `kind` "bad" for failures, `action` and `run` for a button. */
export function toast(message, options) {
  let place = document.querySelector("so-toasts");
  if (!place) {
    place = new Toasts();
    document.body.append(place);
  }
  place.say(message, options);
}

/** Say what went wrong. */
export function toastError(error) {
  if (isAbort(error)) return;
  if (!(error instanceof ApiError)) console.error(error);
  toast(errorText(error), { kind: "bad" });
}

/** Return what went wrong in words for people. */
export function errorText(error) {
  if (error instanceof ApiError && error.status === 0) return t("error.unreachable");
  return error.message || t("error.unknown");
}
