/**
 * The page's frame: header, navigation, and the view that the address names.
 *
 * A VIEW is a module views/NAME.js whose default export is a class of Element:
 *
 *     export default class TagsView extends Element {
 *       static title = "tags.title";        // key of its title
 *       build() { … }                       // read router.params here, or in connected()
 *       routed() { … }                      // called when the parameters change while it is shown
 *     }
 *     customElements.define("so-tags-view", TagsView);
 *
 * It is loaded when first visited (VIEWS below names them), built anew on each visit and when the
 * language changes, so everything that must survive belongs into the address. Wrap texts and forms
 * in <div class="page">; a view may also use the full width.
 */

import { onUnauthorized } from "./api.js";
import "./components/empty.js";
import { icon } from "./components/icon.js";
import { Element, fill, h } from "./element.js";
import { events } from "./events.js";
import { t } from "./i18n.js";
import { library } from "./library.js";
import { router } from "./router.js";
import { login } from "./shell/login.js";
import { JobLink } from "./shell/job.js";
import { settingsMenu } from "./shell/settings.js";

/** The views by their paths: icon, and how to load the module. */
const VIEWS = {
  "/": { name: "search", icon: "search", load: () => import("./views/search.js") },
  "/tags": { name: "tags", icon: "tag", load: () => import("./views/tags.js") },
  "/review": { name: "review", icon: "check", load: () => import("./views/review.js") },
  "/indexing": { name: "indexing", icon: "folder", load: () => import("./views/indexing.js") },
  "/models": { name: "models", icon: "cube", load: () => import("./views/models.js") },
};

class App extends Element {
  #shown = null; // the path of the view that is shown
  #view = null;

  connected() {
    onUnauthorized(login);
    router.start();
    this.listen(router, "route", () => this.#route());
    this.listen(document, "language", () => this.#frame());
    this.listen(events, "connection", ({ detail }) => this.#connection(detail));
    this.#frame();
    // The first answer comes after the login, if one is needed; events would only be refused before.
    library.ready.catch(() => {}).finally(() => events.start());
  }

  #frame() {
    this.main = h("main", { class: "shell-main", id: "main", tabIndex: -1 });
    this.lost = h("div", { class: "shell-lost", role: "status", hidden: events.up }, t("shell.lost"));
    this.nav = h("nav", { class: "shell-nav", "aria-label": t("shell.nav") },
      Object.entries(VIEWS).map(([path, view]) =>
        h("a", { href: path, dataset: { path } }, icon(view.icon), t(`nav.${view.name}`))));
    fill(this,
      h("a", { class: "button primary shell-skip", href: "#main", onclick: (event) => this.#skip(event) },
        t("shell.skip")),
      h("header", { class: "shell-head" },
        h("a", { class: "shell-logo", href: "/", "aria-label": t("shell.home") },
          h("span", { class: "seal" }, icon("search")), "soutu"),
        this.nav,
        h("div", { class: "shell-side" }, new JobLink(), settingsMenu())),
      this.lost, this.main);
    this.#shown = null;
    this.#route();
  }

  #skip(event) {
    event.preventDefault();
    this.main.focus();
  }

  #connection(up) {
    this.lost.hidden = up;
    if (up) library.refresh().catch(() => {});
  }

  async #route() {
    const path = router.path in VIEWS ? router.path : "/";
    if (path === this.#shown) {
      this.#view?.routed?.();
      return;
    }
    const moved = this.#shown !== null;
    this.#shown = path;
    this.#view = null;
    this.#mark(path);
    let view;
    try {
      view = new (await VIEWS[path].load()).default();
    } catch (error) {
      console.error(error);
      view = this.#broken();
    }
    if (this.#shown !== path) return; // the reader went on meanwhile
    this.#view = view;
    fill(this.main, view);
    if (moved) {
      window.scrollTo(0, 0);
      this.main.focus({ preventScroll: true });
    }
  }

  #mark(path) {
    for (const link of this.nav.children) {
      if (link.dataset.path === path) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.title = path === "/" ? "soutu" : `${t(`nav.${VIEWS[path].name}`)} · soutu`;
  }

  #broken() {
    return h("so-empty", {
      icon: "warning",
      heading: t("shell.broken"),
      text: t("shell.broken.text"),
      action: h("button", { class: "button", onclick: () => location.reload() }, t("shell.reload")),
    });
  }
}

customElements.define("so-app", App);
