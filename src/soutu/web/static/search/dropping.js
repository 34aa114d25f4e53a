/** Pictures dropped or pasted anywhere on the page. */

import { Element, css, h } from "../element.js";
import { icon } from "../components/icon.js";
import { t } from "../i18n.js";
import { pictureFiles } from "./uploads.js";

/** The veil that shows while files are dragged. Event: "files" { files }. */
export class DropZone extends Element {
  static styles = css`
    so-drop-zone { position: fixed; inset: 0; z-index: 80; display: none; padding: var(--space-4); background: color-mix(in srgb, var(--ground) 96%, transparent); pointer-events: none; }
    so-drop-zone[over] { display: grid; animation: so-appear var(--quick); }
    so-drop-zone > div { display: grid; place-content: center; justify-items: center; gap: var(--space-3); border: 2px dashed var(--accent); border-radius: 24px; color: var(--accent-strong); font-size: var(--text-xl); font-weight: 620; }
    so-drop-zone svg { width: 44px; height: 44px; }
  `;

  #depth = 0;

  build() {
    this.setAttribute("aria-hidden", "true");
    return h("div", {}, icon("image"), t("drop.here"));
  }

  connected() {
    const hasFiles = (event) => event.dataTransfer?.types?.includes("Files");
    this.listen(document, "dragenter", (event) => hasFiles(event) && this.#over(1));
    this.listen(document, "dragleave", (event) => hasFiles(event) && this.#over(-1));
    this.listen(document, "dragover", (event) => hasFiles(event) && event.preventDefault());
    this.listen(document, "drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.#over(-this.#depth);
      this.#take(event.dataTransfer);
    });
    this.listen(document, "paste", (event) => {
      if (pictureFiles(event.clipboardData).length === 0) return;
      event.preventDefault();
      this.#take(event.clipboardData);
    });
  }

  #over(step) {
    this.#depth = Math.max(0, this.#depth + step);
    this.toggleAttribute("over", this.#depth > 0);
  }

  #take(transfer) {
    this.emit("files", { files: pictureFiles(transfer) });
  }
}

customElements.define("so-drop-zone", DropZone);
