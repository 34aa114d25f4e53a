/** One picture of which a person says whether a tag holds. */

import { thumbnail } from "../api.js";
import { icon } from "../components/icon.js";
import { Element, css, h } from "../element.js";
import { percent, t } from "../i18n.js";
import { library } from "../library.js";
import { router } from "../router.js";

/** The picture with its probability, yes and no; tells "answer" with {card, value}: null clears. */
export class TagCard extends Element {
  static styles = css`
    so-tag-card { position: relative; display: block; aspect-ratio: 1; border-radius: var(--radius-2); background: var(--surface-2); overflow: hidden; }
    so-tag-card > a { display: block; height: 100%; border-radius: inherit; }
    so-tag-card > a:focus-visible { outline-offset: -3px; }
    so-tag-card img { width: 100%; height: 100%; object-fit: cover; }
    so-tag-card .share { position: absolute; top: 6px; left: 6px; padding: 0 7px; border-radius: var(--radius-round); background: rgb(20 20 18 / 62%); color: #fff; font-size: var(--text-xs); font-weight: 550; line-height: 20px; pointer-events: none; }
    so-tag-card .say { position: absolute; inset: auto 6px 6px; display: flex; justify-content: space-between; pointer-events: none; }
    so-tag-card .say button { display: grid; place-items: center; width: 32px; height: 32px; padding: 0; border: 0; border-radius: var(--radius-round); background: rgb(20 20 18 / 62%); color: #fff; cursor: pointer; pointer-events: auto; transition: background var(--quick), transform var(--quick); }
    so-tag-card .say button svg { width: 18px; height: 18px; stroke-width: 2.4; }
    so-tag-card .say button:hover { background: rgb(20 20 18 / 90%); }
    so-tag-card .say button:focus-visible { outline: 2px solid #fff; outline-offset: 1px; }
    so-tag-card .say .yes[aria-pressed="true"] { background: #1f7a46; }
    so-tag-card .say .no[aria-pressed="true"] { background: #b3261e; }
    so-tag-card[said]::after { content: ""; position: absolute; inset: 0; border: 3px solid var(--said); border-radius: inherit; pointer-events: none; }
    so-tag-card[said="yes"] { --said: var(--good); }
    so-tag-card[said="no"] { --said: var(--bad); }
    so-tag-card[said="no"] img { opacity: 0.6; }
  `;

  constructor(question) {
    super();
    this.question = question;
  }

  build() {
    const { id, tag, probability, path } = this.question;
    const name = path.split(/[/\\]/).pop();
    this.share = h("span", { class: "share numbers" });
    this.yes = this.#button("yes", "check", t("tag.yes", { tag, name }));
    this.no = this.#button("no", "close", t("tag.no", { tag, name }));
    this.update(this.question);
    return [
      h("a", { href: router.href("/", { tag, id }), "aria-label": `${name}, ${percent(probability, 1)}` },
        h("img", { src: thumbnail(id, 256), alt: "", draggable: false, decoding: "async" })),
      this.share,
      library.readOnly ? null : h("div", { class: "say" }, this.no, this.yes),
    ];
  }

  /** Show another probability of the same picture. */
  update(question) {
    this.question = question;
    const { probability } = question;
    this.share.textContent = percent(probability, probability < 0.1 ? 1 : 0);
    this.mark(this.value ?? null);
  }

  /** Show what was said: true, false or null. */
  mark(value) {
    this.value = value;
    if (value === null) this.removeAttribute("said");
    else this.setAttribute("said", value ? "yes" : "no");
    this.yes.setAttribute("aria-pressed", String(value === true));
    this.no.setAttribute("aria-pressed", String(value === false));
  }

  #button(kind, image, label) {
    const value = kind === "yes";
    return h("button", {
      class: kind, type: "button", title: t(value ? "tag.yes.short" : "tag.no.short"), "aria-label": label,
      onclick: () => this.emit("answer", { card: this, value: this.value === value ? null : value }),
    }, icon(image));
  }
}

customElements.define("so-tag-card", TagCard);
