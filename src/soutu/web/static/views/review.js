/** Review: the questions whose answers teach most. `?tag=` asks about one tag, `?by=picture`. */

import "../components/empty.js";
import { errorText } from "../components/toast.js";
import { Element, css, fill, h } from "../element.js";
import { t } from "../i18n.js";
import { library } from "../library.js";
import { answers } from "../review/answers.js";
import { ReviewDesk } from "../review/desk.js";
import { router } from "../router.js";
import { tagPicker } from "../tags/picker.js";
import { findTag } from "../tags/vocabulary.js";

/** The view. */
export default class ReviewView extends Element {
  static title = "nav.review";

  static styles = css`
    so-review-view.page { display: flex; flex-direction: column; height: calc(100dvh - var(--bar-height) - var(--foot-height)); min-height: 460px; padding-top: var(--space-4); padding-bottom: var(--space-4); }
    so-review-view .desk { display: flex; flex: 1; flex-direction: column; min-height: 0; }
    so-review-view .review-head { display: flex; flex-wrap: wrap; align-items: center; gap: var(--space-2) var(--space-3); margin-bottom: var(--space-4); min-height: var(--control); }
    so-review-view .review-head h1 { font-size: var(--text-xl); }
    so-review-view .review-count { flex: 1; color: var(--ink-2); font-size: var(--text-sm); }
    so-review-view .review-head .input { width: 190px; }
    so-review-view .review-head .select { width: auto; }
    so-review-view .unsaved { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: var(--space-2); margin-bottom: var(--space-3); }
    so-review-view .keys { margin-top: var(--space-3); text-align: center; }
    @media (max-width: 640px), (hover: none) { so-review-view .keys { display: none; } }
    @media (max-width: 640px) { so-review-view .review-head .input { width: auto; flex: 1 1 120px; } so-review-view .review-head .fields { width: 100%; flex-wrap: nowrap; min-width: 0; } so-review-view .review-head .fields > * { min-width: 0; } }
  `;

  build() {
    this.classList.add("page");
  }

  async connected() {
    this.listen(answers, "change", () => this.#figures());
    this.addEventListener("leave", () => this.#leave());
    await library.ready.catch(() => {});
    if (library.readOnly) {
      fill(this, h("so-empty", { icon: "check", heading: t("review.readonly"), text: t("review.readonly.text") }));
      return;
    }
    try {
      this.tags = await library.tags();
    } catch (error) {
      fill(this, h("so-empty", { icon: "warning", heading: t("review.broken"), text: errorText(error) }));
      return;
    }
    if (!this.isConnected) return;
    if (!this.tags.length) this.#nothing();
    else this.#frame();
  }

  /** Ask about what the address says. */
  routed() {
    if (this.place) this.#desk();
  }

  #frame() {
    this.count = h("p", { class: "review-count numbers", role: "status" });
    const { input, list } = tagPicker({
      tags: this.tags, type: "search", placeholder: t("review.all"), "aria-label": t("review.tag"),
      onchange: () => this.#choose(),
    });
    input.addEventListener("input", () => this.#typed());
    this.picker = input;
    this.by = h("select", { class: "select", "aria-label": t("review.by"), onchange: () => router.set({ by: this.by.value === "tag" ? null : this.by.value }) },
      ["tag", "picture"].map((value) => h("option", { value }, t(`review.by.${value}`))));
    this.unsaved = h("div", { class: "note bad unsaved", role: "alert", hidden: true });
    this.place = h("div", { class: "desk" });
    fill(this, h("div", { class: "review-head" }, h("h1", {}, t("nav.review")), this.count, h("div", { class: "row fields" }, input, list, this.by)),
      this.unsaved, this.place, h("p", { class: "keys small quiet" }, t("review.keys")));
    this.#figures();
    this.#desk();
  }

  #desk() {
    const tag = router.params.get("tag");
    const by = router.params.get("by") === "picture" ? "picture" : "tag";
    this.picker.value = tag ?? "";
    this.by.value = by;
    fill(this.place, new ReviewDesk({ tag, by }));
  }

  #typed() {
    if (this.picker.value === "" || this.tags.some((tag) => tag.name === this.picker.value)) this.#choose();
  }

  #choose() {
    const text = this.picker.value.trim();
    const tag = text ? findTag(this.tags, text) : null;
    this.picker.setAttribute("aria-invalid", String(Boolean(text && !tag)));
    if (text && !tag) return;
    router.set({ tag: tag?.name ?? null });
  }

  #figures() {
    if (!this.count) return;
    this.count.textContent = answers.said ? t("review.said", { n: answers.said }) : "";
    this.unsaved.hidden = !answers.error;
    if (!answers.error) return;
    fill(this.unsaved, h("span", {}, `${t("review.unsaved", { n: answers.failed })} ${errorText(answers.error)}`),
      h("div", { class: "row" },
        [400, 404, 422].includes(answers.error.status) && h("button", { class: "button small plain", type: "button", onclick: () => answers.drop() }, t("review.drop")),
        h("button", { class: "button small", type: "button", onclick: () => answers.retry() }, t("review.retry"))));
  }

  #leave() {
    const tag = router.params.get("tag");
    if (tag) router.go("/tags", { name: tag });
    else router.go("/");
  }

  #nothing() {
    fill(this, h("so-empty", {
      icon: "tag", heading: t("review.notags"), text: t("review.notags.text"),
      action: h("a", { class: "button primary", href: "/tags" }, t("review.notags.go")),
    }));
  }
}

customElements.define("so-review-view", ReviewView);
