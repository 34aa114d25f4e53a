/**
 * One picture, looked at closely. The address says which (`id`).
 *
 *     detail.follow(feed)             // the results that the arrow keys walk through
 *     detail.show(id | null, question)
 *     event: "left" { index }         // it was closed; where the picture stands in the results
 */

import { api, isAbort } from "../api.js";
import { icon } from "../components/icon.js";
import { errorText } from "../components/toast.js";
import { Element, fill, h } from "../element.js";
import { t } from "../i18n.js";
import { router } from "../router.js";
import { nameOf } from "../search/feed.js";
import { isTyping, showShortcuts } from "../search/shortcuts.js";
import { Facts } from "./facts.js";
import { Similar } from "./similar.js";
import { Stage } from "./stage.js";
import { styles } from "./styles.js";
import { PictureTags } from "./tags.js";
import { Why } from "./why.js";

/** The dialog over the results. */
export class Detail extends Element {
  static styles = styles;

  #id = null;
  #feed = null;
  #asking = null;

  build() {
    this.heading = h("h2", { class: "detail-name clip", id: "detail-name" });
    this.place = h("span", { class: "detail-place quiet small numbers" });
    this.stage = new Stage();
    this.panel = h("div", { class: "detail-panel" });
    const button = (key, image, run, looks = "") => h("button", {
      class: `button plain icon ${looks}`, type: "button", "aria-label": t(key), title: t(key), onclick: run,
    }, icon(image));
    this.before = button("detail.before", "left", () => this.#walk(-1), "detail-step before");
    this.after = button("detail.after", "right", () => this.#walk(1), "detail-step after");
    this.dialog = h("dialog", { "aria-labelledby": "detail-name" },
      h("header", { class: "detail-head" }, button("dialog.close", "close", () => this.#leave()),
        this.heading, this.place,
        h("div", { class: "detail-actions" },
          this.#action("detail.like", "plus", () => this.emit("like", { item: { id: this.#id } })),
          this.#action("detail.unlike", "minus", () => this.emit("unlike", { item: { id: this.#id } })),
          this.#action("detail.crop", "crop", () => this.#crop()))),
      h("div", { class: "detail-body" },
        h("div", { class: "detail-view" }, this.stage, this.before, this.after), this.panel));
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#leave();
    });
    this.dialog.addEventListener("keydown", (event) => this.#key(event));
    return this.dialog;
  }

  #action(key, image, run) {
    return h("button", { class: "button small", type: "button", title: t(key), onclick: run }, icon(image),
      h("span", {}, t(key)));
  }

  disconnected() {
    this.#asking?.abort();
  }

  /** Walk through other results from now on. */
  follow(feed) {
    this.#feed = feed;
    feed.addEventListener("page", () => this.#place());
    this.#place();
  }

  /** Show a picture of the library, or close. */
  show(id, question) {
    this.question = question;
    if (id === this.#id) return;
    const last = this.#id;
    this.#id = id;
    this.#asking?.abort();
    if (id === null) {
      this.dialog.close();
      this.stage.clear();
      fill(this.panel);
      this.emit("left", { index: this.#indexOf(last) });
      return;
    }
    if (!this.dialog.open) this.dialog.showModal();
    this.#asking = new AbortController();
    this.#load(id, this.#asking.signal);
  }

  async #load(id, signal) {
    const known = this.#feed?.items[this.#indexOf(id)];
    this.heading.textContent = known ? nameOf(known.path) : "";
    this.#place();
    this.stage.expect(id, known?.own);
    this.panel.scrollTop = 0;
    try {
      const picture = await api.get(`images/${id}`, {}, { signal });
      this.heading.textContent = nameOf(picture.path);
      this.stage.show(picture);
      this.why = new Why(picture, this.question, this.stage);
      fill(this.panel, this.question.ranks && this.why, new PictureTags(picture), new Facts(picture), new Similar(picture));
    } catch (error) {
      if (isAbort(error)) return;
      this.stage.clear();
      fill(this.panel, h("so-empty", { class: "small", icon: "warning", heading: t("detail.gone"), text: errorText(error) }));
    }
  }

  #indexOf(id) {
    return this.#feed?.items.findIndex((item) => item.id === id) ?? -1;
  }

  #place() {
    if (this.#id === null || !this.#feed) return;
    const index = this.#indexOf(this.#id);
    this.before.hidden = index <= 0;
    this.after.hidden = index < 0 || (index === this.#feed.items.length - 1 && this.#feed.done);
    const total = this.#feed.total ?? (this.#feed.done ? this.#feed.items.length : null);
    this.place.textContent = index < 0 ? ""
      : total === null ? t("detail.place", { n: index + 1 }) : t("detail.place.of", { n: index + 1, total });
  }

  async #walk(step) {
    const index = this.#indexOf(this.#id);
    if (index < 0) return;
    if (index + step >= this.#feed.items.length) await this.#feed.more();
    const next = this.#feed.items[index + step];
    if (next) router.set({ id: next.id }, { replace: true });
  }

  #leave() {
    if (history.state?.inside) history.back();
    else router.set({ id: null }, { replace: true });
  }

  #crop() {
    this.emit("crop", { term: { kind: "like", value: String(this.#id), weight: 1, box: null } });
  }

  #key(event) {
    if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    const run = {
      ArrowLeft: () => this.#walk(-1), ArrowRight: () => this.#walk(1),
      "+": () => this.emit("like", { item: { id: this.#id } }), "-": () => this.emit("unlike", { item: { id: this.#id } }),
      w: () => this.question.ranks && this.why?.toggle(), "?": () => showShortcuts(),
    }[event.key];
    if (!run) return;
    event.preventDefault();
    event.stopPropagation();
    run();
  }
}

customElements.define("so-detail", Detail);
