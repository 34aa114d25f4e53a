/** Choosing values of a field from those that the pictures have. */

import { api } from "../api.js";
import { errorText } from "../components/toast.js";
import { fill, h } from "../element.js";
import { number, t } from "../i18n.js";
import { library } from "../library.js";

const SHOWN = 200;
const MANY = 8; // from so many values on there is a field to find one

/** Return the last two parts of a folder's path. */
export function shortFolder(path) {
  const parts = path.split(/[\\/]/).filter(Boolean);
  return parts.length > 2 ? `…/${parts.slice(-2).join("/")}` : path;
}

/** Return a panel of values with their counts; `question()` gives the question of the moment. */
export function choicePanel(field, question, ask, menu) {
  const list = h("div", { class: "stack tight choice-list", role: "group", "aria-label": t(`filter.${field}`) });
  const find = h("input", {
    class: "input", type: "search", "aria-label": t("choice.find"), placeholder: t("choice.find"), hidden: true,
  });
  fill(list, h("div", { class: "skeleton choice-wait" }));
  api.get("facets", { field }).then((found) => {
    const values = useful(field, Object.entries(found));
    find.hidden = values.length < MANY;
    const show = () => {
      const text = find.value.toLowerCase();
      const shown = values.filter(([value]) => value.toLowerCase().includes(text)).slice(0, SHOWN);
      fill(list, shown.map(([value, count]) => line(field, value, count, question, ask)),
        shown.length === 0 && h("p", { class: "quiet small" }, t(`choice.none.${field}`)));
    };
    find.addEventListener("input", show);
    show();
    menu.place();
  }, (error) => fill(list, h("p", { class: "small quiet" }, errorText(error))));
  return h("div", { class: "stack tight choice-panel" }, find, list);
}

function line(field, value, count, question, ask) {
  const box = h("input", { type: "checkbox", checked: question()[field].includes(value) });
  box.addEventListener("change", () => {
    const others = question()[field].filter((each) => each !== value);
    ask(question().with({ [field]: box.checked ? [...others, value] : others }));
  });
  return h("label", { class: "check choice-line", title: value }, box,
    h("span", { class: "grow clip" }, field === "folder" ? shortFolder(value) : value),
    h("span", { class: "small quiet numbers" }, number(count)));
}

/** Leave out folders that hold every picture (all but the lowest of them): they narrow nothing. */
function useful(field, values) {
  if (field !== "folder") return values;
  const all = values.filter(([, count]) => count === library.status?.images);
  const lowest = all.reduce((best, [path]) => (path.length > best.length ? path : best), "");
  return values.filter(([path, count]) => count !== library.status?.images || path === lowest)
    .sort(([a], [b]) => a.localeCompare(b));
}
