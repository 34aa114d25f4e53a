/** Light or dark: as the system says, unless the reader chose. */

import { recall, remember } from "./kept.js";

/** Return "light", "dark", or "auto" where the system decides. */
export const theme = () => recall("theme") ?? "auto";

/** Choose "light", "dark" or "auto", and remember it. */
export function setTheme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  remember("theme", name === "auto" ? null : name);
}
