/** Keys of the search, and the dialog that lists them. */

import { openDialog } from "../components/dialog.js";
import { h } from "../element.js";
import { t } from "../i18n.js";

const LISTED = [
  ["keys.search", ["/"]], ["keys.move", ["←", "→", "↑", "↓"]], ["keys.open", ["Enter"]],
  ["keys.like", ["+", "−"]], ["keys.walk", ["←", "→"]], ["keys.why", ["W"]], ["keys.close", ["Esc"]], ["keys.help", ["?"]],
];

/** Listen for "/" and "?" while a view is shown. */
export function listenForKeys(view) {
  view.listen(document, "keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "?") {
      event.preventDefault();
      showShortcuts();
    } else if (event.key === "/" && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      view.box.focusWords();
    }
  });
}

/** Tell whether keys go into a field. */
export const isTyping = (node) =>
  node.isContentEditable || /^(TEXTAREA|SELECT)$/.test(node.tagName)
  || (node.tagName === "INPUT" && !/^(checkbox|radio|button|range)$/.test(node.type));

/** Open the list of keys. */
export function showShortcuts() {
  if (document.querySelector(".keys-list")) return;
  openDialog({
    title: t("keys.title"),
    content: h("dl", { class: "keys-list stack tight" }, LISTED.map(([key, keys]) =>
      h("div", { class: "row apart" }, h("dt", {}, t(key)),
        h("dd", { class: "row" }, keys.map((each) => h("kbd", {}, each)))))),
  });
}
