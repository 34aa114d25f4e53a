/** Search (the page's heart). */

import { Element, h } from "../element.js";

export default class SearchView extends Element {
  build() {
    return h("div", { class: "page" }, h("so-empty", { heading: "soutu" }));
  }
}

customElements.define("so-search-view", SearchView);
