/** A model: what it is, what it costs, and buttons to fetch it, use it or drop its vectors. */

import { api } from "../api.js";
import { confirm } from "../components/dialog.js";
import { icon } from "../components/icon.js";
import { toast, toastError } from "../components/toast.js";
import { Element, css, fill, h } from "../element.js";
import { bytes, locale, number, percent, t } from "../i18n.js";
import { library } from "../library.js";

/** The card; tells "start" with {kind, model}, "dropped" when vectors are gone. */
export class ModelCard extends Element {
  static styles = css`
    so-model-card { display: flex; align-items: center; gap: var(--space-4); padding: var(--space-4) var(--space-5); border: 1px solid var(--line); border-radius: var(--radius-3); background: var(--surface); }
    so-model-card[current] { border-color: var(--accent); box-shadow: inset 3px 0 0 var(--accent); }
    so-model-card .model-what { flex: 1; min-width: 0; }
    so-model-card h2 { display: flex; flex-wrap: wrap; align-items: center; gap: 2px var(--space-2); font-size: var(--text-md); line-height: 1.4; }
    so-model-card .badge { padding: 0 10px; border-radius: var(--radius-round); background: var(--accent-soft); color: var(--accent-strong); font-size: var(--text-xs); font-weight: 600; line-height: 22px; }
    so-model-card .facts { color: var(--ink-2); font-size: var(--text-sm); }
    so-model-card code { color: var(--ink-3); overflow-wrap: anywhere; }
    so-model-card .licence { color: var(--ink-3); font-size: var(--text-xs); overflow-wrap: anywhere; }
    @media (max-width: 640px) { so-model-card { flex-direction: column; align-items: stretch; padding: var(--space-4); gap: var(--space-3); } so-model-card > .row:empty { display: none; } }
  `;

  build() {
    this.what = h("div", { class: "model-what" });
    this.buttons = h("div", { class: "row" });
    return [this.what, this.buttons];
  }

  /** Show a model; `images` is how many pictures the library has, `busy` whether something runs. */
  show(model, { images, busy }) {
    this.model = model;
    this.toggleAttribute("current", model.current);
    const { title, name, dim, languages, vectors, licence } = model;
    fill(this.what,
      h("h2", {}, title, model.current && h("span", { class: "badge" }, t("models.current"))),
      h("div", { class: "facts numbers" }, h("code", {}, name), [
        languages.length > 0 && told(languages),
        dim && t("models.dim", { n: dim }),
        weight(model),
        vectors > 0 && held(vectors, images),
      ].filter(Boolean).map((fact) => ` · ${fact}`)),
      licence && h("div", { class: "licence" }, t("models.licence", { name: licence })));
    fill(this.buttons, library.readOnly ? null : [
      vectors > 0 && !model.current && h("button", { class: "button small plain", type: "button", disabled: busy, onclick: () => this.#drop() }, icon("trash"), t("models.drop")),
      !model.present && model.origin === "catalogue" && this.#start("add-model", "download", "download", busy),
      model.present && !model.current && this.#start("use-model", "play", "use", busy),
    ]);
  }

  #start(kind, image, verb, busy) {
    return h("button", {
      class: "button small", type: "button", disabled: busy, "aria-label": t(`models.${verb}.name`, { name: this.model.title }),
      onclick: () => this.emit("start", { kind, model: this.model.name }),
    }, icon(image), t(`models.${verb}`));
  }

  async #drop() {
    const { name, title, vectors } = this.model;
    const sure = await confirm({
      title: t("models.drop.title", { name: title }), text: t("models.drop.text", { n: vectors }),
      action: t("models.drop"), danger: true,
    });
    if (!sure) return;
    try {
      await api.delete("models/vectors", { model: name });
      toast(t("models.dropped", { name: title }));
      this.emit("dropped");
    } catch (error) {
      toastError(error);
    }
  }
}

customElements.define("so-model-card", ModelCard);

function told(languages) {
  const names = new Intl.DisplayNames(locale(), { type: "language" });
  const shown = languages.slice(0, 4).map((code) => {
    try {
      return names.of(code) ?? code;
    } catch {
      return code; // "multilingual" is no code of a language
    }
  });
  const rest = languages.length - shown.length;
  return shown.join(t("models.and")) + (rest > 0 ? ` +${number(rest)}` : "");
}

function weight({ present, bytes: size, download_mb: download, origin }) {
  if (origin === "bundled") return t("models.bundled", { size: bytes(size) });
  if (present) return size ? t("models.present", { size: bytes(size) }) : t("models.here");
  return download ? t("models.absent", { size: bytes(download * 1e6) }) : t("models.gone");
}

function held(vectors, images) {
  if (vectors >= images) return t("models.vectors.all", { n: vectors });
  return t("models.vectors.part", { n: vectors, share: percent(vectors / images) });
}
