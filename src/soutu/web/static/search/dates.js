/** Choosing a period of time. */

import { h } from "../element.js";
import { t } from "../i18n.js";

const iso = (year, month, day) =>
  `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;

/** Periods that are often wanted, by their names. */
function periods() {
  const now = new Date();
  const before = (days) => {
    const then = new Date(now - days * 86_400_000);
    return iso(then.getFullYear(), then.getMonth() + 1, then.getDate());
  };
  const year = now.getFullYear();
  return {
    month: [before(30), ""], year: [String(year), String(year)], last: [String(year - 1), String(year - 1)],
  };
}

/** Return a panel for the first and the last day. */
export function datePanel(question, ask, close) {
  const field = (name, value) => h("input", { class: "input", type: "date", name, value: value.length === 10 ? value : "" });
  const from = field("from", question.from);
  const to = field("to", question.to);
  const set = (first, last) => {
    close();
    ask(question.with({ from: first, to: last }));
  };
  const form = h("form", { class: "stack date-panel", onsubmit: (event) => {
    event.preventDefault();
    set(from.value, to.value);
  } },
  h("div", { class: "row" }, Object.entries(periods()).map(([name, [first, last]]) =>
    h("button", { class: "button small", type: "button", onclick: () => set(first, last) }, t(`date.${name}`)))),
  h("label", { class: "field" }, h("span", { class: "label" }, t("date.from")), from),
  h("label", { class: "field" }, h("span", { class: "label" }, t("date.to")), to),
  h("button", { class: "button primary" }, t("filter.apply")));
  return form;
}
