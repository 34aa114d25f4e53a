/** The dialog in which a tag is added or edited. */

import { api } from "../api.js";
import { openDialog } from "../components/dialog.js";
import { errorText } from "../components/toast.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { library } from "../library.js";
import { tagPicker } from "./picker.js";
import { Words, wordsField } from "./words.js";

/**
 * Ask for a tag's values and save them. `tag` null adds one; `given` fills fields of a new one.
 * Resolves with the saved tag, null when dismissed.
 */
export async function tagForm(tag = null, given = {}) {
  const tags = await library.tags();
  const start = { name: "", aliases: [], prompts: [], parent: "", group: "", threshold: null, ...given, ...tag };
  const fields = drawn(start, tags, tag !== null);
  const fault = h("p", { class: "note bad", role: "alert", hidden: true });
  const save = h("button", { class: "button primary" }, t(tag ? "tags.save" : "tags.add"));
  save.setAttribute("form", "tag-form");
  const form = h("form", { id: "tag-form", class: "stack", noValidate: true }, Object.values(fields.nodes), fault);
  const dialog = openDialog({
    title: t(tag ? "tags.edit.title" : "tags.add.title", { name: start.name }),
    content: form,
    actions: [
      h("button", { class: "button", type: "button", onclick: () => dialog.close(null) }, t("dialog.cancel")),
      save,
    ],
  });
  if (!tag) fields.name.focus();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    save.disabled = true;
    try {
      dialog.close(await send(tag, fields.values()));
    } catch (error) {
      fault.textContent = errorText(error);
      fault.hidden = false;
      fault.scrollIntoView({ block: "nearest" });
      save.disabled = false;
    }
  });
  return dialog.closed;
}

async function send(tag, values) {
  const saved = tag
    ? await api.patch("tag", values, { params: { name: tag.name } })
    : await api.post("tags", values);
  library.forgetTags();
  return saved;
}

function drawn(start, tags, old) {
  const name = h("input", { class: "input", value: start.name, required: true, autocomplete: "off" });
  const aliases = wordsField({ label: t("tags.aliases"), values: start.aliases });
  const prompts = wordsField({ label: t("tags.prompts"), values: start.prompts, split: /\n/ });
  const parent = tagPicker({ tags, value: start.parent ?? "", without: start.name });
  const groups = [...new Set(tags.map((each) => each.group).filter(Boolean))];
  const group = h("input", { class: "input", value: start.group ?? "", list: "tag-groups", autocomplete: "off" });
  const threshold = h("input", {
    class: "input numbers", type: "number", min: 0, max: 100, step: "any", inputMode: "decimal",
    placeholder: t("tags.threshold.auto"),
    value: start.threshold === null ? "" : String(Math.round(start.threshold * 1e6) / 1e4),
  });
  const nodes = {
    name: old ? null : field(t("tags.name"), name),
    aliases: field(t("tags.aliases"), aliases, t("tags.aliases.hint")),
    prompts: field(t("tags.prompts"), prompts, t("tags.prompts.hint")),
    parent: field(t("tags.parent"), [parent.input, parent.list], t("tags.parent.hint")),
    group: field(t("tags.group"), [group, h("datalist", { id: "tag-groups" },
      groups.map((value) => h("option", { value })))], t("tags.group.hint")),
    threshold: field(t("tags.threshold"), threshold, t("tags.threshold.hint")),
  };
  const values = () => ({
    ...(old ? {} : { name: name.value.trim() }),
    aliases: aliases.values,
    prompts: prompts.values,
    parent: parent.input.value.trim() || null,
    group: group.value.trim() || null,
    threshold: threshold.value === "" ? null : Number(threshold.value) / 100,
  });
  return { nodes, name, values };
}

function field(label, control, hint = "") {
  // A label would press the first chip's button when it is clicked; such fields name themselves.
  const kind = control instanceof Words ? "div" : "label";
  return h(kind, { class: "field" }, h("span", { class: "label" }, label), control,
    hint && h("span", { class: "hint" }, hint));
}
