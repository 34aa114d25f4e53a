/**
 * Where the reader is: the path says which view, the search parameters say what it shows.
 *
 *     router.go("/tags", { name: "cat" });              // a new entry of the history
 *     router.set({ name: "dog" }, { replace: true });   // same view, other parameters; null removes
 *     router.params                                     // URLSearchParams of now
 *     router.href("/", { tag: ["cat", "!dog"] })        // for links; lists repeat
 *     this.listen(router, "route", …)                   // after every change
 *
 * Plain links inside the page need nothing: clicks on <a href="/…"> are taken over.
 */

class Router extends EventTarget {
  /** Begin to listen to the history and to clicks; called by the app once. */
  start() {
    window.addEventListener("popstate", () => this.#tell());
    document.addEventListener("click", (event) => this.#clicked(event));
  }

  get path() {
    return location.pathname;
  }

  get params() {
    return new URLSearchParams(location.search);
  }

  /** Return the address of a view with parameters. */
  href(path, params = {}) {
    const text = (params instanceof URLSearchParams ? params : merged(new URLSearchParams(), params))
      .toString();
    return text ? `${path}?${text}` : path;
  }

  /** Go to a view. */
  go(path, params = {}, { replace = false } = {}) {
    this.#move(this.href(path, params), replace);
  }

  /** Change some parameters of the view that is shown. */
  set(changes, { replace = false } = {}) {
    this.#move(this.href(this.path, merged(this.params, changes)), replace);
  }

  #move(href, replace) {
    if (href === location.pathname + location.search) return;
    if (replace) history.replaceState(history.state, "", href);
    else history.pushState({ inside: true }, "", href);
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new CustomEvent("route"));
  }

  #clicked(event) {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest?.("a[href]");
    if (!link || link.target || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || link.pathname.startsWith("/api/")) return;
    event.preventDefault();
    this.#move(link.pathname + link.search, false);
  }
}

function merged(params, changes) {
  for (const [name, value] of Object.entries(changes)) {
    params.delete(name);
    for (const each of [value].flat()) {
      if (each !== null && each !== undefined && each !== "") params.append(name, each);
    }
  }
  return params;
}

export const router = new Router();
