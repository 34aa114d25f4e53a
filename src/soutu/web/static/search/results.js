/** What was found: how many, the grid, and honest words where nothing matches. */

import { errorText } from "../components/toast.js";
import { Element, css, fill, h } from "../element.js";
import { number, t } from "../i18n.js";
import { library } from "../library.js";
import { Feed } from "./feed.js";
import { Grid } from "./grid.js";

const NEAR = 20; // near misses shown where nothing matches

/** Events of the grid bubble through; "feed" tells that another answer is shown. */
export class Results extends Element {
  static styles = css`
    so-results { display: block; padding: 0 var(--gutter) var(--space-8); }
    so-results .results-line { display: flex; align-items: center; gap: var(--space-3); min-height: 32px; margin-bottom: var(--space-2); color: var(--ink-2); font-size: var(--text-sm); }
    so-results .results-line .quick { color: var(--ink-3); }
    so-results so-cell { transition: opacity var(--calm) 150ms; }
    so-results[waiting] so-cell { opacity: 0.55; }
    so-results .results-near { display: flex; align-items: center; gap: var(--space-3); margin: 0 0 var(--space-4); color: var(--ink-2); font-size: var(--text-sm); }
    so-results .results-near::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
    so-results .results-fault { margin: var(--space-5) auto; max-width: var(--column); display: flex; align-items: center; gap: var(--space-4); }
  `;

  #coming = null; // the feed whose first page is awaited
  feed = null;
  opened = false; // whether the near misses are unfolded

  build() {
    this.count = h("span", { role: "status", "aria-live": "polite" });
    this.quick = h("span", { class: "quick numbers" });
    this.message = h("div", {});
    this.grid = new Grid();
    this.foot = h("div", {});
    return [h("div", { class: "results-line" }, this.count, this.quick), this.message, this.grid, this.foot];
  }

  disconnected() {
    this.feed?.close();
    this.#coming?.close();
  }

  /** Ask a question. The old answer stays until the new one is there. */
  ask(question) {
    this.#coming?.close();
    const feed = new Feed(question);
    this.#coming = feed;
    this.toggleAttribute("waiting", this.feed !== null);
    if (!this.feed) this.grid.show(feed);
    feed.addEventListener("page", () => this.#page(feed));
    return library.ready.catch(() => {}).then(() => feed.more());
  }

  /** Ask the same question anew, unless the reader is in the middle of the answer. */
  refresh() {
    if (this.feed && window.scrollY < window.innerHeight / 2 && !this.#coming) this.ask(this.feed.question);
  }

  #page(feed) {
    if (feed === this.#coming) {
      const same = this.feed?.question.key === feed.question.key;
      this.#coming = null;
      this.removeAttribute("waiting");
      this.feed?.close();
      this.feed = feed;
      this.opened = same && this.opened;
      if (!same && window.scrollY > 0) window.scrollTo(0, 0);
      this.#show();
      this.emit("feed", { feed });
    } else if (feed === this.feed) {
      this.#say();
      if (feed.fault) this.#foot();
      else this.grid.update();
    }
  }

  #show() {
    const { feed } = this;
    this.#say();
    fill(this.message, this.#words());
    this.#foot();
    const hidden = feed.items.length === 0 || (feed.missed && !this.opened);
    this.grid.hidden = hidden;
    if (!hidden) this.grid.show(feed, { limit: feed.missed ? NEAR : Infinity });
  }

  #say() {
    const { feed } = this;
    const { items, total, matches, question } = feed;
    if (feed.fault || items.length === 0 || feed.missed) this.count.textContent = "";
    else if (!question.ranks) this.count.textContent = t("count.pictures", { n: total ?? items.length });
    else {
      this.count.textContent = t(feed.counted ? "count.matches" : "count.more", { n: matches });
    }
    const timed = question.ranks && feed.seconds > 0 && items.length > 0 && !feed.missed;
    this.quick.textContent = timed ? t("count.quick", { ms: number(Math.max(1, Math.round(feed.seconds * 1000))) }) : "";
  }

  #words() {
    const { feed } = this;
    if (feed.fault && feed.items.length === 0) {
      return h("so-empty", {
        icon: "warning", heading: t("results.fault"), text: errorText(feed.fault),
        action: h("button", { class: "button", type: "button", onclick: () => this.ask(feed.question) }, t("results.retry")),
      });
    }
    if (feed.items.length === 0) return this.#nothing();
    return feed.missed ? this.#missed() : null;
  }

  #nothing() {
    if (library.status?.images === 0) {
      return h("so-empty", {
        icon: "image", heading: t("results.new"), text: t("results.new.text"),
        action: h("a", { class: "button primary", href: "/indexing" }, t("results.new.go")),
      });
    }
    return h("so-empty", { icon: "filter", heading: t("results.none"), text: t("results.none.text") });
  }

  #missed() {
    const n = Math.min(NEAR, this.feed.items.length);
    if (this.opened) return h("p", { class: "results-near" }, h("strong", {}, t("results.missed")), t("grid.near"));
    return h("so-empty", {
      icon: "search", heading: t("results.missed"), text: t("results.missed.text"),
      action: h("button", { class: "button", type: "button", onclick: () => this.#open() }, t("results.near", { n })),
    });
  }

  #open() {
    this.opened = true;
    this.#show();
    this.grid.focusItem(0);
  }

  #foot() {
    const { feed } = this;
    fill(this.foot, feed.fault && feed.items.length > 0 && h("div", { class: "note bad results-fault", role: "alert" },
      h("span", { class: "grow" }, errorText(feed.fault)),
      h("button", { class: "button small", type: "button", onclick: () => { fill(this.foot); feed.retry(); } }, t("results.retry"))));
  }
}

customElements.define("so-results", Results);
