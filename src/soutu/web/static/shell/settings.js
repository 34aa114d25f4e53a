/** The menu of language and colours. */

import { menuButton } from "../components/menu.js";
import { icon } from "../components/icon.js";
import { h } from "../element.js";
import { LANGUAGES, language, setLanguage, t } from "../i18n.js";
import { showShortcuts } from "../search/shortcuts.js";
import { setTheme, theme } from "../theme.js";

const THEMES = { auto: "screen", light: "sun", dark: "moon" };

/** Return the button that opens the menu. */
export function settingsMenu() {
  const button = h("button",
    { class: "button plain icon", "aria-label": t("settings.title"), title: t("settings.title") },
    icon("sliders"));
  return menuButton(button, () => [
    { heading: t("settings.language") },
    ...Object.entries(LANGUAGES).map(([name, title]) => ({
      label: title, checked: language() === name, run: () => setLanguage(name),
    })),
    { heading: t("settings.theme") },
    ...Object.entries(THEMES).map(([name, image]) => ({
      label: t(`settings.theme.${name}`), icon: image, checked: theme() === name,
      run: () => setTheme(name),
    })),
    "line",
    { label: t("keys.title"), icon: "help", hint: "?", run: showShortcuts },
  ]);
}
