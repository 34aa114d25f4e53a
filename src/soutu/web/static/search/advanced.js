/** What few need: the filter language, words in file names, variety. */

import { api, isAbort } from "../api.js";
import { errorText } from "../components/toast.js";
import { h } from "../element.js";
import { percent, t } from "../i18n.js";

/** Return the panel. A filter that the server cannot read stays here, with what it says beneath. */
export function advancedPanel(question, ask, close) {
  const fault = h("span", { class: "fault", role: "alert", id: "where-fault" });
  const where = h("textarea", {
    class: "textarea code", rows: 2, spellcheck: false, value: question.raw, maxLength: 10_000,
    placeholder: "width > 4000 AND NOT format = 'PNG'", "aria-describedby": "where-fault",
  });
  const names = h("input", { class: "input", value: question.names, maxLength: 2000 });
  const said = h("output", { class: "numbers" }, percent(question.variety));
  const variety = h("input", {
    type: "range", min: 0, max: 1, step: 0.1, value: String(question.variety),
    oninput: () => { said.textContent = percent(Number(variety.value)); },
  });
  const submit = async (event) => {
    event.preventDefault();
    fault.textContent = "";
    where.removeAttribute("aria-invalid");
    try {
      if (where.value.trim()) await api.get("images", { where: where.value, k: 1 });
    } catch (error) {
      if (isAbort(error)) return;
      fault.textContent = errorText(error);
      where.setAttribute("aria-invalid", "true");
      where.focus();
      return;
    }
    close();
    ask(question.with({ raw: where.value.trim(), names: names.value.trim(), variety: Number(variety.value) }));
  };
  where.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) submit(event);
  });
  return h("form", { class: "stack advanced-panel", onsubmit: submit },
    h("label", { class: "field" }, h("span", { class: "label" }, t("advanced.names")), names),
    h("label", { class: "field" }, h("span", { class: "row apart" },
      h("span", { class: "label" }, t("advanced.variety")), said), variety),
    h("label", { class: "field" }, h("span", { class: "label" }, t("advanced.where")), where,
      h("span", { class: "hint" }, t("advanced.where.hint")), fault),
    h("button", { class: "button primary" }, t("filter.apply")));
}
