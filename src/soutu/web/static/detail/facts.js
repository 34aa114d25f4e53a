/** What is known of a picture's file. */

import { icon } from "../components/icon.js";
import { toast } from "../components/toast.js";
import { Element, h } from "../element.js";
import { bytes, date, number, t } from "../i18n.js";
import { nameOf } from "../search/feed.js";

/** A list of facts. */
export class Facts extends Element {
  constructor(picture) {
    super();
    this.picture = picture;
  }

  build() {
    const { id, path, info, bytes: size, modified } = this.picture;
    const fact = (key, value, ...more) => value && h("div", {}, h("dt", {}, t(key)), h("dd", {}, value, more));
    return h("section", { class: "detail-section" }, h("h3", {}, t("facts.title")),
      h("dl", { class: "facts" },
        fact("facts.size", `${number(info.width)} × ${number(info.height)}`, h("span", { class: "quiet" }, ` · ${info.format} · ${bytes(size)}`)),
        // The camera's own time has no zone: it is written as the camera said it.
        fact("facts.taken", info.taken_at && date(info.taken_at)),
        fact("facts.modified", date(modified)),
        fact("facts.camera", info.camera),
        fact("facts.place", info.latitude !== null && place(info)),
        fact("facts.path", h("span", { class: "facts-path" }, path), this.#copy(path))),
      h("div", { class: "row facts-links" },
        h("a", { class: "button small", href: `/api/images/${id}/file`, download: nameOf(path) }, icon("download"), t("facts.download"))));
  }

  #copy(text) {
    return h("button", {
      class: "button plain icon small", type: "button", title: t("facts.copy"), "aria-label": t("facts.copy"),
      onclick: async () => {
        try {
          await navigator.clipboard.writeText(text);
          toast(t("facts.copied"));
        } catch {
          getSelection().selectAllChildren(this.querySelector(".facts-path")); // no right to: at least ready
        }
      },
    }, icon("copy"));
  }
}

customElements.define("so-facts", Facts);

function place({ latitude, longitude }) {
  const part = (value, positive, negative) =>
    `${number(Math.abs(value), { minimumFractionDigits: 5, maximumFractionDigits: 5 })}° ${value < 0 ? negative : positive}`;
  return `${part(latitude, "N", "S")}, ${part(longitude, "E", "W")}`;
}
