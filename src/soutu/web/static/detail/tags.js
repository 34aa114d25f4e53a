/** The tags of a picture: how sure they are and who says so, and one click to say yes or no. */

import { api, isAbort } from "../api.js";
import { bar } from "../components/bar.js";
import { icon } from "../components/icon.js";
import { panelButton } from "../components/menu.js";
import { errorText, toast, toastError } from "../components/toast.js";
import { Element, fill, h } from "../element.js";
import { percent, t } from "../i18n.js";
import { library } from "../library.js";
import { router } from "../router.js";
import { TagPicker } from "../search/tag-picker.js";

const MORE = 6; // probable tags shown beneath those that hold

/** The section of tags. */
export class PictureTags extends Element {
  constructor(picture) {
    super();
    this.picture = picture;
  }

  build() {
    this.list = h("ul", { class: "tags-list" }, Array.from({ length: 3 }, () => h("li", { class: "skeleton" })));
    const add = h("button", { class: "button plain small", type: "button" }, icon("plus"), t("picture.add"));
    return h("section", { class: "detail-section" },
      h("div", { class: "row apart" }, h("h3", {}, t("nav.tags")), !library.readOnly && panelButton(add, (close) => this.#picker(close))),
      this.list);
  }

  connected() {
    this.#load();
  }

  async #load() {
    try {
      const params = { all: true };
      const found = await api.get(`images/${this.picture.id}/tags`, params, { signal: this.signal });
      this.#show(found.tags);
    } catch (error) {
      if (!isAbort(error)) fill(this.list, h("li", { class: "quiet small" }, errorText(error)));
    }
  }

  #show(tags) {
    const holding = tags.filter((tag) => tag.holds);
    const said = tags.filter((tag) => !tag.holds && tag.source === "person");
    const maybe = tags.filter((tag) => !tag.holds && tag.source !== "person" && tag.probability > 0.05).slice(0, MORE);
    fill(this.list, [...holding, ...said, ...maybe].map((tag) => this.#line(tag)),
      tags.length === 0 && h("li", { class: "quiet small" }, t("picture.none"), " ", h("a", { href: "/tags" }, t("picture.none.go"))),
      tags.length > 0 && holding.length + said.length + maybe.length === 0 && h("li", { class: "quiet small" }, t("picture.nothing")));
  }

  #line(tag) {
    const person = tag.source === "person";
    const share = percent(tag.probability);
    const source = t(`picture.source.${tag.source}`);
    const button = (value, image) => {
      const pressed = person && tag.holds === value;
      return h("button", {
        class: "button plain icon small", type: "button", "aria-pressed": String(pressed),
        title: t(value ? "picture.yes" : "picture.no"), "aria-label": t(value ? "picture.yes.name" : "picture.no.name", { name: tag.tag }),
        dataset: { answer: value ? "yes" : "no" },
        onclick: () => this.#say(tag.tag, pressed ? "clear" : value ? "yes" : "no"),
      }, icon(image));
    };
    return h("li", { class: ["tags-line", !tag.holds && "off"] },
      h("a", { class: "clip", href: router.href("/", { tag: tag.tag }), title: t("picture.find", { name: tag.tag }) }, tag.tag),
      h("span", { class: "tags-source small" }, person || tag.source === "file" ? source : share),
      bar(tag.probability, { weak: !tag.holds, mark: person || tag.threshold < 0.01 ? undefined : tag.threshold, label: `${share}, ${source}` }),
      !library.readOnly && h("span", { class: "tags-answers" }, button(true, "check"), button(false, "close")));
  }

  async #say(name, what) {
    try {
      await api.post("labels", { picture: this.picture.id, [what]: [name] }, { signal: this.signal });
      this.emit("labelled", { id: this.picture.id });
      const focused = document.activeElement?.getAttribute("aria-label");
      await this.#load();
      if (focused) this.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
    } catch (error) {
      toastError(error);
    }
  }

  #picker(close) {
    const picker = new TagPicker();
    picker.create = true;
    picker.addEventListener("tag", async ({ detail: { name, isNew } }) => {
      close();
      try {
        if (isNew) {
          await api.post("tags", { name });
          library.forgetTags();
        }
        await this.#say(name, "yes");
        toast(t("picture.added", { name }));
      } catch (error) {
        toastError(error);
      }
    });
    return picker;
  }
}

customElements.define("so-picture-tags", PictureTags);
