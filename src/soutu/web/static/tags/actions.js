/**
 * What can be done to a tag: each asks what it needs, does it, says so and offers to undo.
 * The server tells of the change by itself ("changed" of events), so callers only wait.
 */

import { api } from "../api.js";
import { confirm, openDialog } from "../components/dialog.js";
import { errorText, toast, toastError } from "../components/toast.js";
import { h } from "../element.js";
import { events } from "../events.js";
import { number, t } from "../i18n.js";
import { library } from "../library.js";
import { tagForm } from "./form.js";
import { tagPicker } from "./picker.js";

/** Tell the page that the vocabulary changed, at once rather than when the server says so. */
export function vocabularyChanged() {
  library.forgetTags();
  events.dispatchEvent(new CustomEvent("vocabulary"));
}

/** Say what was done, with a button that takes it back. */
export function done(message) {
  vocabularyChanged();
  toast(message, { action: t("tags.undo"), run: undo });
}

/** Take the last change of tags or labels back. */
export async function undo() {
  try {
    const change = await api.post("tags/undo");
    vocabularyChanged();
    toast(t("tags.undone", { what: changeText(change) }));
  } catch (error) {
    toastError(error);
  }
}

const ACTIONS = ["add", "edit", "rename", "merge", "remove", "import", "label", "labels"];

/** Say what a change of the history did. */
export function changeText(change) {
  const action = ACTIONS.includes(change.action) ? t(`tags.did.${change.action}`) : change.action;
  return `${action}: ${change.what}`;
}

/** Add a tag; resolves with it or null. */
export async function addTag(given = {}) {
  const made = await tagForm(null, given).catch(toastError);
  if (made) done(t("tags.added", { name: made.name }));
  return made ?? null;
}

/** Edit a tag; resolves with it or null. */
export async function editTag(tag) {
  const saved = await tagForm(tag).catch(toastError);
  if (saved) done(t("tags.saved", { name: saved.name }));
  return saved ?? null;
}

/** Rename a tag, and keep the old name as an alias if the reader likes; resolves with it or null. */
export function renameTag(tag) {
  const input = h("input", { class: "input", value: tag.name, required: true, autocomplete: "off", autofocus: true });
  const keep = h("input", { type: "checkbox", checked: true });
  return asked({
    title: t("tags.rename.title", { name: tag.name }),
    action: t("tags.rename"),
    content: [
      h("label", { class: "field" }, h("span", { class: "label" }, t("tags.rename.new")), input),
      h("label", { class: "check" }, keep, t("tags.rename.keep", { name: tag.name })),
    ],
    run: async () => {
      const made = await api.post("tags/rename", { name: tag.name, new: input.value.trim(), keep: keep.checked });
      done(t("tags.renamed", { name: tag.name, now: made.name }));
      return made;
    },
  });
}

/** Merge a tag into another one; resolves with that one or null. */
export async function mergeTag(tag) {
  const tags = await library.tags().catch(toastError);
  if (!tags) return null;
  const into = tagPicker({ tags, without: tag.name, required: true, autofocus: true });
  return asked({
    title: t("tags.merge.title", { name: tag.name }),
    action: t("tags.merge"),
    content: [
      h("p", { class: "quiet" }, t("tags.merge.text", { name: tag.name })),
      h("label", { class: "field" }, h("span", { class: "label" }, t("tags.merge.into")), into.input, into.list),
    ],
    run: () => merged(tag.name, into.input.value.trim()),
  });
}

/** Merge a tag into another, without asking. */
export async function merged(name, into) {
  const made = await api.post("tags/merge", { names: [name], into });
  done(t("tags.merged", { name, into: made.name }));
  return made;
}

/** Remove a tag; asks only where labels would be lost. Resolves with whether it is gone. */
export async function removeTag(tag) {
  try {
    const { yes, no } = await api.get("tag", { name: tag.name });
    if (yes + no > 0) {
      const sure = await confirm({
        title: t("tags.remove.title", { name: tag.name }),
        text: t("tags.remove.text", { n: yes + no }),
        action: t("tags.remove"),
        danger: true,
      });
      if (!sure) return false;
    }
    await api.post("tags/remove", { names: [tag.name] });
    done(t("tags.removed", { name: tag.name }));
    return true;
  } catch (error) {
    toastError(error);
    return false;
  }
}

/** Say what an import did. */
export function imported(report) {
  const { added, updated, unchanged } = report;
  if (added + updated === 0) toast(t("tags.imported.none", { n: unchanged }));
  else done(t("tags.imported", { added: number(added), updated: number(updated) }));
}

async function asked({ title, content, action, run }) {
  const fault = h("p", { class: "note bad", role: "alert", hidden: true });
  const form = h("form", { id: "tag-ask", class: "stack" }, content, fault);
  const go = h("button", { class: "button primary" }, action);
  go.setAttribute("form", "tag-ask");
  const dialog = openDialog({
    title,
    content: form,
    actions: [
      h("button", { class: "button", type: "button", onclick: () => dialog.close(null) }, t("dialog.cancel")),
      go,
    ],
  });
  form.querySelector("input[autofocus]")?.select();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      dialog.close(await run());
    } catch (error) {
      fault.textContent = errorText(error);
      fault.hidden = false;
    }
  });
  return dialog.closed;
}
