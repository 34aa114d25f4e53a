/**
 * The search box: words as they are typed, and buttons for pictures and further terms.
 *
 *     events: "words" { text, final }, "files" { files }, "term" { kind, value, weight }
 */

import { icon } from "../components/icon.js";
import { panelButton } from "../components/menu.js";
import { Element, css, debounce, h } from "../element.js";
import { t } from "../i18n.js";
import { library } from "../library.js";

const PAUSE = 150; // milliseconds without a key before a search

/** The box; `text` is what stands in it. */
export class SearchBox extends Element {
  static styles = css`
    so-search-box { display: flex; align-items: center; gap: 2px; height: 52px; padding: 0 8px 0 18px; border: 1px solid var(--line-strong); border-radius: var(--radius-round); background: var(--surface); box-shadow: var(--shadow-1); transition: border-color var(--quick), box-shadow var(--quick); }
    so-search-box:hover { border-color: var(--ink-3); }
    so-search-box:focus-within:has(input:focus) { border-color: var(--accent); box-shadow: 0 0 0 3px color-mix(in srgb, var(--accent) 20%, transparent), var(--shadow-1); }
    so-search-box > svg { flex: none; color: var(--ink-3); }
    so-search-box input[type="search"] { flex: 1; min-width: 0; height: 100%; padding: 0 12px; border: 0; background: none; font-size: var(--text-lg); outline: none; appearance: none; }
    so-search-box input::-webkit-search-cancel-button { display: none; }
    so-search-box .button { border-radius: var(--radius-round); color: var(--ink-2); }
    so-search-box .key { margin-inline-end: var(--space-2); color: var(--ink-3); font-size: var(--text-xs); }
    so-search-box:focus-within .key, so-search-box input:not(:placeholder-shown) ~ .key { display: none; }
    @media (hover: none), (max-width: 640px) { so-search-box .key { display: none; } so-search-box { height: 48px; padding-left: 14px; } }
    .term-panel { display: flex; flex-direction: column; gap: var(--space-3); width: min(300px, 78vw); }
    .term-panel .choice { display: grid; grid-template-columns: 1fr 1fr; gap: var(--space-2); }
  `;

  build() {
    this.input = h("input", {
      type: "search", name: "q", "aria-label": t("box.label"), placeholder: t("box.placeholder"),
      autocomplete: "off", autocapitalize: "none", spellcheck: false, enterKeyHint: "search", maxLength: 2000,
    });
    const later = debounce(() => this.#say(false), PAUSE);
    this.input.addEventListener("input", (event) => {
      this.clear.hidden = !this.input.value;
      if (!event.isComposing) later(); // half-written Chinese is no search
    });
    this.input.addEventListener("compositionend", later);
    this.input.addEventListener("blur", () => { // on to a button at once: what was typed counts
      later.cancel();
      this.#say(false);
    });
    this.input.addEventListener("keydown", (event) => this.#key(event, later));
    this.clear = h("button", {
      class: "button plain icon small", type: "button", "aria-label": t("box.clear"), hidden: true,
      onclick: () => this.#clear(),
    }, icon("close"));
    this.files = h("input", {
      type: "file", accept: "image/*,.heic,.heif,.tif,.tiff", multiple: true, hidden: true,
      "aria-label": t("box.picture"), onchange: () => this.#chosen(),
    });
    return [
      icon("search"), this.input, this.clear, h("kbd", { class: "key", "aria-hidden": "true" }, "/"),
      panelButton(this.#iconButton("plus", "box.more"), (close) => this.#panel(close), { label: t("box.more") }),
      h("button", {
        class: "button plain icon", type: "button", "aria-label": t("box.picture"), title: t("box.picture"),
        onclick: () => this.choose(),
      }, icon("image")),
      this.files,
    ];
  }

  #iconButton(image, key) {
    return h("button", { class: "button plain icon", type: "button", "aria-label": t(key), title: t(key) }, icon(image));
  }

  set text(value) {
    if (document.activeElement === this.input && this.input.value.trim() === value.trim()) return;
    this.input.value = value;
    this.clear.hidden = !value;
  }

  /** Put the cursor into the box. */
  focusWords() {
    this.input.focus();
    this.input.select();
  }

  /** Let the reader choose picture files. */
  choose() {
    this.files.click();
  }

  #chosen() {
    this.emit("files", { files: [...this.files.files] });
    this.files.value = "";
  }

  #say(final) {
    this.emit("words", { text: this.input.value, final });
  }

  #clear() {
    this.input.value = "";
    this.clear.hidden = true;
    this.input.focus();
    this.#say(true);
  }

  #key(event, later) {
    if (event.isComposing) return;
    if (event.key === "Enter") {
      later.cancel();
      this.#say(true);
    } else if (event.key === "Escape" && this.input.value) {
      event.preventDefault();
      this.#clear();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      this.emit("enter");
    }
  }

  #panel(close) {
    const words = h("input", { class: "input", "aria-label": t("term.words"), placeholder: t("term.words"), autofocus: true, maxLength: 2000 });
    const add = (weight) => {
      const value = words.value.trim();
      if (!value) return words.focus();
      close();
      const kind = /^https?:\/\//i.test(value) && library.status?.urls ? "link" : "also";
      this.emit("term", { kind, value, weight });
      return undefined;
    };
    return h("form", { class: "term-panel", onsubmit: (event) => { event.preventDefault(); add(1); } },
      h("div", { class: "field" }, words,
        h("span", { class: "hint" }, library.status?.urls ? t("term.hint.link") : t("term.hint"))),
      h("div", { class: "choice" },
        h("button", { class: "button small", type: "submit" }, icon("plus"), t("term.plus")),
        h("button", { class: "button small", type: "button", onclick: () => add(-1) }, icon("minus"), t("term.minus"))),
      h("hr", {}),
      h("button", { class: "button small", type: "button", onclick: () => { close(); this.choose(); } },
        icon("image"), t("box.picture")),
      h("p", { class: "small quiet" }, t("term.drop")));
  }
}

customElements.define("so-search-box", SearchBox);
