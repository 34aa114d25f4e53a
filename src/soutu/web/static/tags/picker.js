/** A field that names a tag, with the vocabulary offered while typing. */

import { h } from "../element.js";
import { namesOf } from "./vocabulary.js";

let count = 0;

/**
 * Return `{ input, list }`: put both into the page. `without` names a tag that is not offered.
 * Other properties go to the input.
 */
export function tagPicker({ tags, value = "", without = null, ...props }) {
  const id = `tag-picker-${(count += 1)}`;
  const list = h("datalist", { id }, tags.filter((tag) => tag.name !== without).map((tag) =>
    h("option", { value: tag.name }, namesOf(tag).slice(1).join(", "))));
  const input = h("input", { class: "input", list: id, value, autocomplete: "off", ...props });
  return { input, list };
}
