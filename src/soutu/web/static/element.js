/**
 * The ground that every element of the page stands on. No framework, no build step.
 *
 * THE PAGE IN ONE MINUTE
 * - Elements live in the light DOM: the tokens and controls of styles/*.css apply everywhere, and
 *   an element brings its own rules as `static styles = css`...``, adopted by the document once.
 *   Begin every rule with the element's name, so that it touches nothing else.
 * - The content security policy forbids inline styles and scripts: build nodes with `h`, never with
 *   innerHTML. `style` is an object there and goes through the CSSOM, which is allowed.
 *
 *     import { Element, css, h } from "../element.js";
 *     import { t } from "../i18n.js";
 *
 *     export class Hello extends Element {
 *       static styles = css`so-hello { display: block; padding: var(--space-4); }`;
 *       build() {                                    // once, when first put into the document
 *         return [h("h2", {}, t("hello.title")),
 *                 h("button", { class: "button", onclick: () => this.greet() }, t("hello.go"))];
 *       }
 *       connected() {                                // each time it enters the document
 *         this.listen(library, "status", () => this.update());   // undone by itself on leaving
 *       }
 *       disconnected() {}
 *     }
 *     customElements.define("so-hello", Hello);
 *
 * - `this.signal` is aborted when the element leaves: pass it to `api` calls.
 * - Views, the router and the events of the server: see app.js. Requests: api.js. Words: i18n.js.
 * - Components: components/*.js (dialog, toast, menu, chip, bar, empty, progress, icon).
 */

const adopted = new Set();

/** Make a style sheet of a template's text; see `Element.styles`. */
export function css(strings, ...values) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(String.raw({ raw: strings.raw }, ...values));
  return sheet;
}

/** Let a style sheet apply to the page, once. */
export function adopt(sheet) {
  if (sheet && !adopted.has(sheet)) {
    adopted.add(sheet);
    document.adoptedStyleSheets.push(sheet);
  }
}

/**
 * Build a DOM node.
 *
 * @param {string|Function} tag  an element's name, or the class of a custom element
 * @param {object} [props]  `class`, `style` (object), `dataset` (object), `on…` (listeners),
 *   names with a dash, `role` and `for` as attributes, everything else as properties where the
 *   node has them. null, undefined and (for attributes) false are left out.
 * @param {...(Node|string|number|Array|null|false)} children
 * @returns {HTMLElement}
 */
export function h(tag, props = {}, ...children) {
  const node = typeof tag === "string" ? document.createElement(tag) : new tag();
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined) continue;
    setProp(node, name, value);
  }
  append(node, children);
  return node;
}

function setProp(node, name, value) {
  if (name === "class") node.className = Array.isArray(value) ? value.filter(Boolean).join(" ") : value;
  else if (name === "style") setStyle(node, value);
  else if (name === "dataset") Object.assign(node.dataset, value);
  else if (name.startsWith("on") && typeof value === "function") {
    node.addEventListener(name.slice(2), value);
  } else if (isAttribute(name) || !(name in node)) setAttribute(node, name, value);
  else node[name] = value;
}

const isAttribute = (name) => name.includes("-") || ["role", "for", "form", "list", "popover"].includes(name);

function setAttribute(node, name, value) {
  if (value === false && !name.startsWith("aria-")) node.removeAttribute(name);
  else node.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : String(value));
}

/** Set style properties (`{ width: "3px", "--share": 0.5 }`) through the CSSOM. */
export function setStyle(node, values) {
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined) node.style.removeProperty(name);
    else node.style.setProperty(name, String(value));
  }
}

/** Append children; arrays are flattened, null, undefined and false left out. */
export function append(node, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

/** Replace what is in a node. */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

/** Call a function once calls have ceased for some milliseconds. `.cancel()` forgets the call. */
export function debounce(run, wait) {
  let timer = 0;
  const later = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(run, wait, ...args);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

/** A custom element that is built once and tidies up after itself. */
export class Element extends HTMLElement {
  /** A style sheet of `css`, or a list of them. */
  static styles = null;

  #built = false;
  #life = null;

  /** Aborted when the element leaves the document. */
  get signal() {
    this.#life ??= new AbortController();
    return this.#life.signal;
  }

  connectedCallback() {
    if (this.#life?.signal.aborted) this.#life = null;
    for (const sheet of [this.constructor.styles].flat()) adopt(sheet);
    if (!this.#built) {
      this.#built = true;
      const content = this.build();
      if (content !== undefined) append(this, [content]);
    }
    this.connected();
  }

  disconnectedCallback() {
    this.#life?.abort();
    this.disconnected();
  }

  /** Return the element's content; called once. */
  build() {}

  /** Called each time the element has entered the document. */
  connected() {}

  /** Called each time it has left. */
  disconnected() {}

  /** Listen until the element leaves the document. */
  listen(target, type, handler, options = {}) {
    target.addEventListener(type, handler, { ...options, signal: this.signal });
  }

  /** Tell the outside: a bubbling CustomEvent. Returns false where somebody prevented it. */
  emit(type, detail) {
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, cancelable: true }));
  }
}
