/** Models: which understands the pictures now, and which others could. */

import { api } from "../api.js";
import "../components/empty.js";
import { icon } from "../components/icon.js";
import { errorText, toastError } from "../components/toast.js";
import { Element, css, debounce, fill, h } from "../element.js";
import { events } from "../events.js";
import { t } from "../i18n.js";
import { JobList } from "../indexing/joblist.js";
import { ENDED } from "../indexing/told.js";
import { library } from "../library.js";
import { ModelCard } from "../models/card.js";

/** The view. */
export default class ModelsView extends Element {
  static title = "nav.models";

  static styles = css`
    so-models-view .about { max-width: 640px; margin: calc(-1 * var(--space-3)) 0 var(--space-5); }
    so-models-view .list { display: flex; flex-direction: column; gap: var(--space-3); }
    so-models-view so-job-list { margin-bottom: var(--space-5); }
    so-models-view .other { margin-top: var(--space-6); }
    so-models-view .other h2 { font-size: var(--text-lg); }
    so-models-view .other p { margin: var(--space-1) 0 var(--space-3); max-width: 640px; }
    so-models-view .other form { display: flex; gap: var(--space-2); max-width: 640px; }
  `;

  #models = [];
  #cards = new Map();

  build() {
    this.classList.add("page");
    this.jobs = new JobList({ kinds: ["use-model", "add-model"], ended: 1 });
    this.list = h("div", { class: "list" });
    this.other = h("section", { class: "other", hidden: true });
    return [
      h("div", { class: "page-head" }, h("h1", {}, t("nav.models"))),
      h("p", { class: "quiet about" }, t("models.about")), this.jobs, this.list, this.other,
    ];
  }

  async connected() {
    const again = debounce(() => this.#load(), 400);
    this.listen(events, "changed", again);
    this.listen(this, "start", ({ detail }) => this.#start(detail));
    this.listen(this, "dropped", () => this.#load());
    this.listen(this, "jobs", ({ detail }) => {
      this.#draw();
      if (ENDED.includes(detail.state)) again();
    });
    await library.ready.catch(() => {});
    if (!library.readOnly) this.#others();
    this.#load();
  }

  async #load() {
    try {
      const asked = api.get("models", {}, { signal: this.signal });
      const [models] = await Promise.all([asked, library.refresh(), this.jobs.ready]);
      this.#models = models;
      this.#draw();
      this.other.hidden = library.readOnly;
    } catch (error) {
      if (!this.signal.aborted) fill(this.list, h("p", { class: "note bad", role: "alert" }, errorText(error)));
    }
  }

  #draw() {
    if (!this.#models.length) return;
    const facts = { images: library.status?.images ?? 0, busy: this.jobs.busy };
    const rank = ({ current, present }) => (current ? 0 : present ? 1 : 2);
    const order = this.#models.map((model, i) => ({ model, i }))
      .sort((a, b) => rank(a.model) - rank(b.model) || a.i - b.i);
    const cards = order.map(({ model }) => {
      if (!this.#cards.has(model.name)) this.#cards.set(model.name, new ModelCard());
      return this.#cards.get(model.name);
    });
    if (cards.some((card, i) => this.list.children[i] !== card) || cards.length !== this.list.children.length) fill(this.list, cards);
    order.forEach(({ model }, i) => {
      const key = JSON.stringify([model, facts]);
      if (cards[i].key !== key) cards[i].show(model, facts);
      cards[i].key = key;
    });
  }

  #others() {
    const input = h("input", { class: "input code", required: true, placeholder: t("models.other.placeholder"), "aria-label": t("models.other"), spellcheck: false, autocomplete: "off" });
    const form = h("form", {}, input, h("button", { class: "button" }, icon("download"), t("models.download")));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await this.#start({ kind: "add-model", model: input.value.trim() })) input.value = "";
    });
    fill(this.other, h("h2", {}, t("models.other")), h("p", { class: "quiet small" }, t("models.other.text")), form);
  }

  async #start({ kind, model }) {
    try {
      this.jobs.take(await api.post(`jobs/${kind}`, { model }));
      window.scrollTo({ top: 0, behavior: "smooth" });
      return true;
    } catch (error) {
      toastError(error);
      return false;
    }
  }
}

customElements.define("so-models-view", ModelsView);
