/** What the server is busy with, in the header. */

import "../components/progress.js";
import { Element, css, fill, h } from "../element.js";
import { events } from "../events.js";
import { percent, t } from "../i18n.js";
import { library } from "../library.js";

const ENDED = ["done", "stopped", "failed"];

/** A quiet link to the running job; nothing while the server rests. */
export class JobLink extends Element {
  static styles = css`
    so-job-link a { display: inline-flex; align-items: center; gap: var(--space-2); padding: 0 var(--space-2); color: var(--ink-2); font-size: var(--text-sm); text-decoration: none; }
    so-job-link so-progress { width: 72px; }
    @media (max-width: 900px) { so-job-link .words { display: none; } }
  `;

  connected() {
    this.listen(events, "job", ({ detail }) => this.#show(detail));
    this.listen(library, "status", () => this.#show(library.status.busy));
    this.#show(library.status?.busy);
  }

  #show(job) {
    if (!job || ENDED.includes(job.state)) {
      fill(this);
      return;
    }
    const { done = 0, total = null } = job.progress ?? {};
    const part = total ? percent(done / total) : "";
    if (!this.firstChild) {
      this.words = h("span", { class: "words numbers" });
      this.progress = h("so-progress", {});
      fill(this, h("a", { href: "/indexing" }, this.progress, this.words));
    }
    this.words.textContent = `${t("job.busy")} ${part}`.trim();
    this.progress.set(done, total, this.words.textContent);
  }
}

customElements.define("so-job-link", JobLink);
