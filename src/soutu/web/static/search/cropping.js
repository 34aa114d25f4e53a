/**
 * Choosing a part of a picture.
 *
 *     const box = await cropPicture({ source: url, box: [l, t, r, b] | null });  // null: dismissed
 */

import { openDialog } from "../components/dialog.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { CropFrame } from "./crop-frame.js";

/** Open the dialog; resolves to fractions [left, top, right, bottom], null when nothing was chosen. */
export async function cropPicture({ source, box }) {
  const frame = new CropFrame();
  frame.source = source;
  frame.box = box ?? [0.2, 0.2, 0.8, 0.8];
  const dialog = openDialog({
    title: t("crop.title"),
    size: "wide",
    content: [h("p", { class: "quiet small crop-hint" }, t("crop.hint")), frame],
    actions: [
      h("button", { class: "button", type: "button", onclick: () => dialog.close(null) }, t("dialog.cancel")),
      h("button", { class: "button primary", type: "button", onclick: () => dialog.close(frame.box) }, t("crop.go")),
    ],
  });
  return dialog.closed;
}
