/** A job: what it does, how far it is, and buttons to stop it or begin it again. */

import { api } from "../api.js";
import { icon } from "../components/icon.js";
import "../components/progress.js";
import { toastError } from "../components/toast.js";
import { Element, css, fill, h } from "../element.js";
import { ago, t } from "../i18n.js";
import { library } from "../library.js";
import { Failures } from "./failures.js";
import { Pace } from "./pace.js";
import { ENDED, jobProgress, jobResult, jobTitle } from "./told.js";

const IMAGES = { done: "check", stopped: "stop", failed: "warning" };

/** Start a job like another one, which goes on where that one stopped. */
export const startAgain = (job) => api.post(`jobs/${job.kind}`, job.title);

/** The card; `show(job)` as often as it changes. */
export class JobCard extends Element {
  static styles = css`
    so-job-card { display: block; padding: var(--space-4) var(--space-4) var(--space-4) var(--space-5); border: 1px solid var(--line); border-radius: var(--radius-3); background: var(--surface); }
    so-job-card .head { display: flex; align-items: center; gap: var(--space-3); min-height: var(--control); }
    so-job-card h2 { flex: 1; font-size: var(--text-md); min-width: 0; overflow-wrap: anywhere; }
    so-job-card .state { display: grid; place-items: center; flex: none; width: 24px; height: 24px; border-radius: var(--radius-round); background: var(--surface-2); color: var(--ink-2); }
    so-job-card .state svg { width: 15px; height: 15px; stroke-width: 2.2; }
    so-job-card[state="done"] .state { background: var(--good-soft); color: var(--good); }
    so-job-card[state="failed"] .state { background: var(--bad-soft); color: var(--bad); }
    so-job-card so-progress { margin: var(--space-2) 0; }
    so-job-card .told { min-height: 20px; color: var(--ink-2); font-size: var(--text-sm); overflow-wrap: anywhere; }
    so-job-card .told .when { color: var(--ink-3); }
    so-job-card[state="failed"] .told { color: var(--bad); white-space: pre-line; }
    so-job-card details { margin-top: var(--space-2); }
  `;

  #pace = new Pace();

  build() {
    this.title_ = h("h2", {});
    this.state = h("span", { class: "state", hidden: true });
    this.buttons = h("div", { class: "row" });
    this.progress = h("so-progress", {});
    this.told = h("div", { class: "told numbers" });
    this.failures = h("details", { hidden: true }, h("summary", { class: "small" }));
    return [h("div", { class: "head" }, this.state, this.title_, this.buttons), this.progress, this.told, this.failures];
  }

  /** Show how the job is. */
  show(job) {
    const ended = ENDED.includes(job.state);
    const changed = this.job?.state !== job.state;
    this.job = job;
    this.setAttribute("state", job.state);
    this.title_.textContent = jobTitle(job);
    this.progress.hidden = ended;
    if (changed) this.#buttons();
    if (ended) {
      fill(this.told, jobResult(job), job.ended && h("span", { class: "when" }, ` · ${ago(job.ended)}`));
      if (changed) this.#failures(job.result?.failures ?? []);
      return;
    }
    if (job.progress) this.#pace.take(job.progress);
    const parts = this.stopping ? [t("job.stopping")] : jobProgress(job, this.#pace);
    this.progress.set(job.progress?.done ?? 0, job.progress?.total ?? null, `${jobTitle(job)}: ${parts.join(", ")}`);
    this.told.textContent = parts.join(" · ");
  }

  #buttons() {
    const { state } = this.job;
    const ended = ENDED.includes(state);
    this.state.hidden = !ended;
    fill(this.state, ended && icon(IMAGES[state]));
    if (library.readOnly) return;
    fill(this.buttons,
      !ended && this.#button("stop", "job.stop", () => this.#stop()),
      (state === "stopped" || state === "failed") && this.#button("play", state === "stopped" ? "job.resume" : "job.again", () => startAgain(this.job)));
  }

  #button(image, key, run) {
    const button = h("button", { class: "button small", type: "button", onclick: async () => {
      button.disabled = true;
      try {
        await run();
      } catch (error) {
        toastError(error);
        button.disabled = false;
      }
    } }, icon(image), t(key));
    return button;
  }

  async #stop() {
    this.stopping = true;
    this.told.textContent = t("job.stopping");
    this.show(await api.post(`jobs/${this.job.id}/stop`));
  }

  #failures(failures) {
    this.failures.hidden = failures.length === 0;
    if (!failures.length) return;
    this.failures.firstChild.textContent = t("job.failed.show", { n: failures.length });
    this.failures.append(new Failures(failures));
  }
}

customElements.define("so-job-card", JobCard);
