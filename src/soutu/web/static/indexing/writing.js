/** Writing tags where other programs read them, with what that means. */

import { api } from "../api.js";
import { openDialog } from "../components/dialog.js";
import { toastError } from "../components/toast.js";
import { h } from "../element.js";
import { t } from "../i18n.js";

/** Ask how to write tags, and begin; resolves with the Job or null. */
export async function writeTags() {
  const choice = (value, checked) => h("label", { class: "row write-choice" },
    h("input", { type: "radio", name: "place", value, checked }),
    h("span", { class: "grow" }, h("b", {}, t(`indexing.write.${value}`)),
      h("span", { class: "small quiet write-text" }, t(`indexing.write.${value}.text`))));
  const beside = choice("beside", true);
  const within = choice("within", false);
  const dialog = openDialog({
    title: t("indexing.write.title"),
    content: h("div", { class: "stack" }, h("p", { class: "quiet" }, t("indexing.write.text")), beside, within),
    actions: [
      h("button", { class: "button", type: "button", onclick: () => dialog.close(null) }, t("dialog.cancel")),
      h("button", { class: "button", type: "button", onclick: () => dialog.close("try") }, t("indexing.write.try")),
      h("button", { class: "button primary", type: "button", onclick: () => dialog.close("write") }, t("indexing.write.go")),
    ],
  });
  const how = await dialog.closed;
  if (!how) return null;
  return api.post("jobs/write-tags", {
    in_place: within.querySelector("input").checked, dry_run: how === "try",
  }).catch((error) => {
    toastError(error);
    return null;
  });
}
