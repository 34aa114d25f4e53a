/**
 * Menus under a button, and panels of one's own.
 *
 *     menuButton(button, () => [
 *       { heading: t("…") },
 *       { label, icon?, hint?, checked?, danger?, disabled?, run },
 *       "line",
 *     ])                                              // returns the button
 *     panelButton(button, (close) => node, { label })  // any content under a button
 *     openMenu(anchor, items)                         // at once
 *
 * Arrow keys, Home, End and the first letter move; Esc closes; the focus goes back.
 */

import { Element, css, h, setStyle } from "../element.js";
import { icon } from "./icon.js";

const GAP = 6;

/** The floating box that menus and panels share. */
export class Menu extends Element {
  static styles = css`
    so-menu { position: fixed; inset: auto; margin: 0; min-width: 180px; max-width: min(360px, calc(100vw - 16px)); max-height: min(420px, 70dvh); padding: 6px; border: 1px solid var(--line); border-radius: var(--radius-2); background: var(--surface); color: var(--ink); box-shadow: var(--shadow-2); overflow: auto; overscroll-behavior: contain; }
    so-menu:popover-open { animation: so-appear var(--quick); }
    so-menu.panel { padding: var(--space-4); min-width: 260px; max-width: calc(100vw - 16px); max-height: min(560px, 80dvh); }
    so-menu .item { display: flex; align-items: center; gap: var(--space-3); width: 100%; min-height: 34px; padding: 4px var(--space-3); border: 0; border-radius: var(--radius-1); background: none; text-align: start; cursor: pointer; }
    so-menu .item:hover, so-menu .item:focus-visible { background: var(--surface-2); outline: none; }
    so-menu .item:disabled { opacity: 0.5; cursor: default; }
    so-menu .item.danger { color: var(--bad); }
    so-menu .item svg { flex: none; width: 18px; height: 18px; color: var(--ink-2); }
    so-menu .item .text { flex: 1; min-width: 0; }
    so-menu .item .hint { color: var(--ink-3); font-size: var(--text-sm); }
    so-menu .item .tick { visibility: hidden; color: var(--accent); }
    so-menu .item[aria-checked="true"] .tick { visibility: visible; }
    so-menu .heading { padding: var(--space-2) var(--space-3) var(--space-1); font-size: var(--text-xs); font-weight: 600; color: var(--ink-2); }
    so-menu hr { margin: 6px 0; }
  `;

  connected() {
    this.setAttribute("popover", "auto");
    this.addEventListener("toggle", (event) => event.newState === "closed" && this.#closed());
    this.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Show beneath an anchor, or above where there is more room. */
  openAt(anchor) {
    this.anchor = anchor;
    (anchor.closest("dialog") ?? document.body).append(this);
    this.showPopover();
    this.place();
    anchor.setAttribute("aria-expanded", "true");
    this.querySelector("[autofocus], .item:not(:disabled), input, button, select")?.focus();
  }

  /** Find its place; again after its size changed. */
  place() {
    const to = this.anchor.getBoundingClientRect();
    const { width, height } = this.getBoundingClientRect();
    const below = to.bottom + GAP + height <= window.innerHeight || to.top < window.innerHeight / 2;
    const left = Math.max(8, Math.min(to.left, document.body.getBoundingClientRect().right - width - 8));
    const top = below ? to.bottom + GAP : Math.max(8, to.top - GAP - height);
    setStyle(this, { left: `${left}px`, top: `${top}px` });
  }

  /** Close; the focus goes back to the anchor. */
  close() {
    if (this.matches(":popover-open")) this.hidePopover();
  }

  #closed() {
    const had = this.contains(document.activeElement) || document.activeElement === document.body;
    this.anchor.setAttribute("aria-expanded", "false");
    this.remove();
    if (had && this.anchor.isConnected) this.anchor.focus({ preventScroll: true });
  }

  #key(event) {
    if (this.classList.contains("panel")) return;
    const items = [...this.querySelectorAll(".item:not(:disabled)")];
    const at = items.indexOf(document.activeElement);
    const to = {
      ArrowDown: (at + 1) % items.length,
      ArrowUp: (at - 1 + items.length) % items.length,
      Home: 0,
      End: items.length - 1,
    }[event.key] ?? startingWith(items, at, event.key);
    if (event.key === "Tab") this.close();
    if (to === undefined || to < 0) return;
    event.preventDefault();
    items[to].focus();
  }
}

customElements.define("so-menu", Menu);

function startingWith(items, at, key) {
  if (key.length !== 1 || key === " ") return -1;
  const order = items.map((_, i) => (at + 1 + i) % items.length);
  return order.find((i) => items[i].textContent.trim().toLowerCase().startsWith(key.toLowerCase())) ?? -1;
}

/** Open a menu beneath an anchor. */
export function openMenu(anchor, items) {
  const menu = new Menu();
  menu.setAttribute("role", "menu");
  for (const item of items) menu.append(drawn(item, menu));
  menu.openAt(anchor);
  return menu;
}

function drawn(item, menu) {
  if (item === "line") return h("hr", {});
  if (item.heading) return h("div", { class: "heading", role: "presentation" }, item.heading);
  const choice = item.checked !== undefined;
  return h("button", {
    class: ["item", item.danger && "danger"], type: "button", tabIndex: -1, disabled: item.disabled ?? false,
    role: choice ? "menuitemradio" : "menuitem", "aria-checked": choice ? item.checked : null,
    onclick: () => { menu.close(); item.run(); },
  }, item.icon && icon(item.icon), h("span", { class: "text clip" }, item.label),
  item.hint && h("span", { class: "hint" }, item.hint),
  choice && h("span", { class: "tick" }, icon("check")));
}

/** Let a button open a menu; `items` is called each time. */
export function menuButton(button, items) {
  return opening(button, "menu", () => openMenu(button, items()));
}

/** Let a button open a panel; `content(close)` is called each time. */
export function panelButton(button, content, { label = "" } = {}) {
  return opening(button, "dialog", () => {
    const menu = new Menu();
    menu.className = "panel";
    menu.setAttribute("role", "dialog");
    menu.setAttribute("aria-label", label || button.textContent);
    menu.append(content(() => menu.close(), menu));
    menu.openAt(button);
  });
}

function opening(button, kind, open) {
  button.setAttribute("aria-haspopup", kind);
  button.setAttribute("aria-expanded", "false");
  let wasOpen = false; // the press that dismisses a menu must not open it again
  button.addEventListener("pointerdown", () => {
    wasOpen = button.getAttribute("aria-expanded") === "true";
  });
  button.addEventListener("click", () => {
    if (!wasOpen) open();
    wasOpen = false;
  });
  return button;
}
