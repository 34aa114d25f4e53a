/**
 * How a tag's probabilities are spread over the library, with the threshold as a handle.
 *
 * Tells "moving" with the threshold while the handle is dragged, "moved" when it is let go. The
 * handle is a slider for keyboards and screen readers: arrows, Page Up and Down, Home, End.
 */

import { Element, css, fill, h, setStyle } from "../element.js";
import { percent, t } from "../i18n.js";
import { TICKS, placeOf, probabilityAt, rebinned } from "./scale.js";

const BARS = 64;
const HEIGHT = 100;
const STEP = 0.005; // of the axis, for one press of a key
const RESTS = 600; // ms without a key until the threshold counts as let go
const NS = "http://www.w3.org/2000/svg";

/** The histogram; `show(spread, { fixed })`, fixed without a handle. */
export class TagSpread extends Element {
  static styles = css`
    so-tag-spread { display: block; user-select: none; -webkit-user-select: none; }
    so-tag-spread .plot { position: relative; height: 168px; border-bottom: 1px solid var(--line-strong); touch-action: pan-y; cursor: ew-resize; }
    so-tag-spread[fixed] .plot { cursor: default; }
    so-tag-spread svg { position: absolute; inset: 24px 0 0; width: 100%; height: calc(100% - 24px); fill: var(--ink-3); opacity: 0.55; }
    so-tag-spread svg.over { fill: var(--accent); opacity: 1; clip-path: inset(0 0 0 calc(var(--at) * 100%)); }
    so-tag-spread[fixed] svg.over { display: none; }
    so-tag-spread .handle { position: absolute; top: 0; bottom: -7px; left: calc(var(--at) * 100%); width: 44px; margin-left: -22px; cursor: ew-resize; touch-action: none; outline: none; }
    so-tag-spread .handle::before { content: ""; position: absolute; left: 21px; top: 22px; bottom: 0; width: 2px; background: var(--accent-strong); }
    so-tag-spread .handle::after { content: ""; position: absolute; left: 14px; bottom: 0; width: 16px; height: 16px; border: 3px solid var(--surface); border-radius: var(--radius-round); background: var(--accent-strong); box-shadow: var(--shadow-1); }
    so-tag-spread .handle b { position: absolute; left: 50%; top: 0; padding: 1px 8px; transform: translateX(calc(-50% - (var(--at) - 0.5) * 20px)); border-radius: var(--radius-round); background: var(--accent-strong); color: var(--on-accent); font-size: var(--text-sm); font-weight: 600; white-space: nowrap; }
    so-tag-spread .handle:focus-visible b { outline: 2px solid var(--accent); outline-offset: 2px; }
    so-tag-spread .handle:focus-visible::after { outline: 2px solid var(--accent); outline-offset: 2px; }
    so-tag-spread .marks { position: relative; height: 22px; }
    so-tag-spread .marks i { position: absolute; left: calc(var(--place) * 100%); top: 4px; width: 7px; height: 7px; margin-left: -3px; border-radius: 50%; background: var(--good); }
    so-tag-spread .marks i.no { top: 13px; background: var(--bad); border-radius: 1px; }
    so-tag-spread .ticks { position: relative; height: 20px; color: var(--ink-3); font-size: var(--text-xs); }
    so-tag-spread .ticks span { position: absolute; left: calc(var(--place) * 100%); transform: translateX(calc(var(--place) * -100%)); }
    so-tag-spread .key { display: flex; flex-wrap: wrap; gap: 2px var(--space-4); margin-top: var(--space-2); color: var(--ink-2); font-size: var(--text-sm); }
    so-tag-spread .key span::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 6px; border-radius: 50%; background: var(--mark, var(--ink-3)); }
    so-tag-spread .key .over { --mark: var(--accent); }
    so-tag-spread .key .yes { --mark: var(--good); }
    so-tag-spread .key .no { --mark: var(--bad); }
    so-tag-spread .key .no::before { border-radius: 1px; }
    @media (max-width: 640px) { so-tag-spread .ticks span:nth-child(even) { display: none; } so-tag-spread .plot { height: 140px; } }
  `;

  #threshold = 0;
  #later = 0;
  #dragging = false;

  build() {
    this.below = chart("");
    this.over = chart("over");
    this.value = h("b", { class: "numbers" });
    this.handle = h("div", {
      class: "handle", role: "slider", tabIndex: 0, "aria-label": t("tag.threshold"),
      "aria-valuemin": "0", "aria-valuemax": "100", hidden: true,
    }, this.value);
    this.plot = h("div", { class: "plot" }, this.below, this.over, this.handle);
    this.marks = h("div", { class: "marks", "aria-hidden": "true" });
    this.key = h("div", { class: "key" });
    this.#listenToHandle();
    return [this.plot, this.marks, h("div", { class: "ticks numbers", "aria-hidden": "true" },
      TICKS.map((tick) => h("span", { style: { "--place": placeOf(tick) } }, percent(tick)))), this.key];
  }

  /** Whether the handle is held. */
  get held() {
    return this.#dragging || this.#later !== 0;
  }

  /** Show a TagSpread. While the handle is held the threshold stays. */
  show(spread, { fixed = false } = {}) {
    this.toggleAttribute("fixed", fixed);
    this.handle.hidden = fixed;
    const bars = rebinned(spread.edges, spread.counts, BARS);
    const path = outline(bars);
    this.below.firstChild.setAttribute("d", path);
    this.over.firstChild.setAttribute("d", path);
    fill(this.marks, marks("yes", spread), marks("no", spread));
    const yes = sum(spread.yes);
    const no = sum(spread.no);
    fill(this.key, !fixed && h("span", { class: "over" }, t("tag.key.over")), h("span", {}, t(fixed ? "tag.key.all" : "tag.key.below")),
      yes > 0 && h("span", { class: "yes" }, t("tag.key.yes", { n: yes })),
      no > 0 && h("span", { class: "no" }, t("tag.key.no", { n: no })));
    if (!this.held) this.place(spread.threshold);
  }

  /** Put the handle at a threshold. */
  place(threshold) {
    this.#threshold = threshold;
    setStyle(this.plot, { "--at": placeOf(threshold) });
    const shown = percent(threshold, 1);
    this.value.textContent = shown;
    this.handle.setAttribute("aria-valuenow", String(Math.round(threshold * 1000) / 10));
    this.handle.setAttribute("aria-valuetext", this.spoken ? `${shown}, ${this.spoken}` : shown);
  }

  /** Say how many pictures hold the tag, with the slider's value. */
  say(count) {
    this.spoken = t("tags.pictures", { n: count });
    this.handle.setAttribute("aria-valuetext", `${this.value.textContent}, ${this.spoken}`);
  }

  disconnected() {
    if (this.#later) this.#letGo();
  }

  #listenToHandle() {
    this.plot.addEventListener("pointerdown", (event) => this.#press(event));
    this.plot.addEventListener("pointermove", (event) => this.#dragging && this.#drag(event));
    for (const type of ["pointerup", "pointercancel"]) {
      this.plot.addEventListener(type, () => this.#dragging && this.#letGo());
    }
    this.handle.addEventListener("keydown", (event) => this.#key(event));
  }

  #press(event) {
    if (this.hasAttribute("fixed") || event.button !== 0) return;
    const onHandle = this.handle.contains(event.target);
    if (event.pointerType === "touch" && !onHandle) return; // that is a scroll, most likely
    event.preventDefault();
    this.handle.focus({ preventScroll: true });
    this.plot.setPointerCapture(event.pointerId);
    this.#dragging = true;
    // The handle is wider than its line: what was grabbed stays under the finger.
    this.offset = onHandle ? this.#placeAt(event) - placeOf(this.#threshold) : 0;
    if (!onHandle) this.#drag(event);
  }

  #placeAt(event) {
    const box = this.plot.getBoundingClientRect();
    return (event.clientX - box.left) / box.width;
  }

  #drag(event) {
    this.#move(probabilityAt(this.#placeAt(event) - this.offset));
  }

  #move(threshold) {
    this.place(Math.round(threshold * 1e5) / 1e5);
    this.emit("moving", this.#threshold);
  }

  #letGo() {
    clearTimeout(this.#later);
    this.#later = 0;
    this.#dragging = false;
    this.emit("moved", this.#threshold);
  }

  #key(event) {
    const place = placeOf(this.#threshold);
    const step = event.shiftKey ? STEP * 10 : STEP;
    const to = {
      ArrowLeft: place - step, ArrowDown: place - step, ArrowRight: place + step, ArrowUp: place + step,
      PageDown: place - STEP * 10, PageUp: place + STEP * 10, Home: 0, End: 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.#letGo(), RESTS);
    this.#move(probabilityAt(to));
  }
}

customElements.define("so-tag-spread", TagSpread);

function chart(name) {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", `0 0 ${BARS} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", name);
  svg.append(document.createElementNS(NS, "path"));
  return svg;
}

function outline(bars) {
  const most = Math.sqrt(Math.max(...bars, 1));
  const gap = 0.08;
  return bars.map((count, i) => {
    const tall = count > 0.01 ? Math.max((Math.sqrt(count) / most) * HEIGHT, 1.5) : 0;
    return tall ? `M${i + gap} ${HEIGHT}v${-tall}h${1 - 2 * gap}v${tall}z` : "";
  }).join("");
}

function marks(kind, { edges, [kind]: counts }) {
  return counts.map((count, i) => count > 0 && h("i", {
    class: kind, style: { "--place": placeOf((edges[i] + edges[i + 1]) / 2) },
  }));
}

const sum = (counts) => counts.reduce((all, each) => all + each, 0);
