/** Pictures like this one. */

import { api, isAbort, thumbnail } from "../api.js";
import { errorText } from "../components/toast.js";
import { Element, fill, h, setStyle } from "../element.js";
import { t } from "../i18n.js";
import { router } from "../router.js";
import { nameOf } from "../search/feed.js";

const SHOWN = 13; // one of them is the picture itself

/** A strip of pictures; a click looks at one of them. */
export class Similar extends Element {
  constructor(picture) {
    super();
    this.picture = picture;
  }

  build() {
    this.strip = h("div", { class: "similar" }, Array.from({ length: 6 }, () => h("div", { class: "skeleton" })));
    return h("section", { class: "detail-section" }, h("h3", {}, t("similar.title")), this.strip);
  }

  connected() {
    this.#load().catch((error) => {
      if (!isAbort(error)) fill(this.strip, h("p", { class: "quiet small" }, errorText(error)));
    });
  }

  async #load() {
    const { id } = this.picture;
    const { hits } = await api.get(`images/${id}/similar`, { k: SHOWN }, { signal: this.signal });
    const others = hits.filter((hit) => hit.id !== id);
    fill(this.strip, others.map((hit) => this.#one(hit)), others.length === 0 && h("p", { class: "quiet small" }, t("similar.none")));
  }

  #one({ id, path }) {
    const params = router.params;
    params.set("id", id);
    const link = h("a", {
      href: router.href("/", params), "aria-label": nameOf(path), title: nameOf(path),
      onclick: (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault(); // stays within the same entry of the history, so that Esc leads back
        router.set({ id }, { replace: true });
      },
    });
    setStyle(link, { "background-image": `url("${thumbnail(id, 256)}")` });
    return link;
  }
}

customElements.define("so-similar", Similar);
