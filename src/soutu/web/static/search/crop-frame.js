/** A picture with a frame on it that mouse, touch and keys move and resize. */

import { Element, css, h, setStyle } from "../element.js";
import { t } from "../i18n.js";

const LEAST = 0.04; // of the side
const STEP = 0.02; // of an arrow key; with Shift five times that
/** The handles: which edges (left, top, right, bottom) they move. */
const HANDLES = { nw: [0, 1], n: [1], ne: [2, 1], e: [2], se: [2, 3], s: [3], sw: [0, 3], w: [0] };

/** `box` is [left, top, right, bottom] in fractions of the picture. */
export class CropFrame extends Element {
  static styles = css`
    so-crop-frame { display: grid; place-items: center; min-height: 200px; user-select: none; }
    so-crop-frame .crop-stage { position: relative; touch-action: none; cursor: crosshair; overflow: hidden; border-radius: var(--radius-1); background: var(--surface-2); }
    so-crop-frame img { max-width: 100%; max-height: min(62dvh, 640px); -webkit-user-drag: none; }
    so-crop-frame .crop-window { position: absolute; box-shadow: 0 0 0 9999px rgb(12 12 11 / 58%); outline: 1.5px solid #fff; cursor: move; }
    so-crop-frame .crop-window:focus-visible { outline: 2.5px solid #7fe0d6; }
    so-crop-frame .crop-window::before { content: ""; position: absolute; inset: 0; background: linear-gradient(90deg, transparent calc(33.3% - 0.5px), rgb(255 255 255 / 45%) 0 calc(33.3% + 0.5px), transparent 0 calc(66.6% - 0.5px), rgb(255 255 255 / 45%) 0 calc(66.6% + 0.5px), transparent 0), linear-gradient(transparent calc(33.3% - 0.5px), rgb(255 255 255 / 45%) 0 calc(33.3% + 0.5px), transparent 0 calc(66.6% - 0.5px), rgb(255 255 255 / 45%) 0 calc(66.6% + 0.5px), transparent 0); }
    so-crop-frame .crop-handle { position: absolute; width: 32px; height: 32px; margin: -16px; border: 0; padding: 0; background: none; }
    so-crop-frame .crop-handle::after { content: ""; position: absolute; inset: 10px; border-radius: 50%; background: #fff; box-shadow: 0 0 0 1px rgb(0 0 0 / 35%); }
    so-crop-frame .crop-handle:focus-visible { outline: none; }
    so-crop-frame .crop-handle:focus-visible::after { inset: 7px; background: #7fe0d6; }
    so-crop-frame .n, so-crop-frame .s { left: 50%; cursor: ns-resize; }
    so-crop-frame .e, so-crop-frame .w { top: 50%; cursor: ew-resize; }
    so-crop-frame .n, so-crop-frame .nw, so-crop-frame .ne { top: 0; }
    so-crop-frame .s, so-crop-frame .sw, so-crop-frame .se { top: 100%; }
    so-crop-frame .w, so-crop-frame .nw, so-crop-frame .sw { left: 0; }
    so-crop-frame .e, so-crop-frame .ne, so-crop-frame .se { left: 100%; }
    so-crop-frame .nw, so-crop-frame .se { cursor: nwse-resize; }
    so-crop-frame .ne, so-crop-frame .sw { cursor: nesw-resize; }
  `;

  source = "";
  box = [0.2, 0.2, 0.8, 0.8];

  build() {
    this.frame = h("div", {
      class: "crop-window", tabIndex: 0, role: "group", "aria-label": t("crop.window"),
      onkeydown: (event) => this.#key(event, null),
    }, Object.entries(HANDLES).map(([name, edges]) => h("button", {
      class: `crop-handle ${name}`, type: "button", dataset: { handle: name },
      "aria-label": t(`crop.handle.${name}`), onkeydown: (event) => this.#key(event, edges),
    })));
    this.stage = h("div", { class: "crop-stage", onpointerdown: (event) => this.#grab(event) },
      h("img", { src: this.source, alt: t("crop.picture"), draggable: false }), this.frame);
    return this.stage;
  }

  connected() {
    this.#draw();
  }

  #draw() {
    const [left, top, right, bottom] = this.box;
    const share = (value) => `${(value * 100).toFixed(3)}%`;
    setStyle(this.frame, {
      left: share(left), top: share(top), width: share(right - left), height: share(bottom - top),
    });
  }

  #grab(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    const handle = event.target.dataset?.handle;
    const size = this.stage.getBoundingClientRect();
    const at = ({ clientX, clientY }) =>
      [(clientX - size.left) / size.width, (clientY - size.top) / size.height].map(within);
    const start = at(event);
    const was = [...this.box];
    (handle ? event.target : this.frame).focus({ preventScroll: true });
    this.stage.setPointerCapture(event.pointerId);
    const move = (moved) => {
      const now = at(moved);
      if (handle) this.#stretch(HANDLES[handle], was, now[0] - start[0], now[1] - start[1]);
      else if (event.target === this.frame) this.#shift(was, now[0] - start[0], now[1] - start[1]);
      else this.#span(start, now);
    };
    const life = new AbortController();
    this.stage.addEventListener("pointermove", move, { signal: life.signal });
    for (const end of ["pointerup", "pointercancel"]) {
      this.stage.addEventListener(end, () => life.abort(), { signal: life.signal });
    }
  }

  #key(event, edges) {
    const step = STEP * (event.shiftKey ? 5 : 1);
    const way = {
      ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step],
    }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    if (edges) this.#stretch(edges, [...this.box], ...way);
    else this.#shift([...this.box], ...way);
  }

  #stretch(edges, was, dx, dy) {
    const box = [...was];
    for (const edge of edges) {
      const moved = within(was[edge] + (edge % 2 ? dy : dx));
      const other = was[(edge + 2) % 4];
      box[edge] = edge < 2 ? Math.min(moved, other - LEAST) : Math.max(moved, other + LEAST);
    }
    this.box = box.map(within);
    this.#draw();
  }

  #shift([left, top, right, bottom], dx, dy) {
    const x = Math.min(Math.max(dx, -left), 1 - right);
    const y = Math.min(Math.max(dy, -top), 1 - bottom);
    this.box = [left + x, top + y, right + x, bottom + y].map(within);
    this.#draw();
  }

  /** A new frame, drawn from one corner to the other. */
  #span(a, b) {
    if (Math.abs(a[0] - b[0]) < LEAST || Math.abs(a[1] - b[1]) < LEAST) return;
    this.box = [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
    this.#draw();
  }
}

customElements.define("so-crop-frame", CropFrame);

const within = (value) => Math.min(Math.max(value, 0), 1);
