/** How the close view looks. */

import { css } from "../element.js";

export const styles = css`
  so-detail > dialog { width: 100vw; height: 100dvh; max-width: none; max-height: none; padding: 0; border: 0; background: var(--ground); color: var(--ink); overflow: hidden; }
  so-detail > dialog[open] { display: flex; flex-direction: column; animation: so-appear var(--calm); }
  so-detail .detail-head { display: flex; align-items: center; gap: var(--space-3); height: 60px; flex: none; padding: 0 var(--space-4); }
  so-detail .detail-name { min-width: 0; font-size: var(--text-lg); }
  so-detail .detail-place { flex: 1; white-space: nowrap; }
  so-detail .detail-actions { display: flex; gap: var(--space-2); }
  so-detail .detail-actions svg { width: 16px; height: 16px; }
  so-detail .detail-body { flex: 1; min-height: 0; display: grid; grid-template-columns: minmax(0, 1fr) 368px; }
  so-detail .detail-view { position: relative; min-width: 0; min-height: 0; margin: 0 0 var(--space-4) var(--space-4); border-radius: var(--radius-3); background: light-dark(#efede9, #0d0d0c); overflow: hidden; }
  so-detail .button.detail-step { position: absolute; top: 50%; width: 44px; height: 44px; margin-top: -22px; border-radius: 50%; background: color-mix(in srgb, var(--surface) 85%, transparent); box-shadow: var(--shadow-1); }
  so-detail .button.detail-step:hover { background: var(--surface); }
  so-detail .button.detail-step.before { left: 14px; }
  so-detail .button.detail-step.after { right: 14px; }
  so-detail .detail-panel { min-height: 0; overflow: auto; overscroll-behavior: contain; padding: 0 var(--space-5) var(--space-6); }
  so-detail .detail-section { padding: var(--space-4) 0; }
  so-detail .detail-panel > * { display: block; }
  so-detail .detail-panel > * + * { border-top: 1px solid var(--line); }
  so-detail .detail-section h3 { margin: 0; }

  so-stage { position: absolute; inset: var(--space-4); display: grid; place-items: center; container-type: size; }
  so-stage .stage-box { position: relative; aspect-ratio: var(--ratio, 1.5); width: min(100cqw, calc(100cqh * var(--ratio, 1.5))); }
  so-stage .stage-box:empty { display: none; }
  so-stage .stage-image { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; border-radius: 4px; background: var(--surface-2); }
  so-stage .stage-over { position: absolute; inset: 0; overflow: hidden; border-radius: 4px; pointer-events: none; }
  so-stage canvas { position: absolute; inset: 0; width: 100%; height: 100%; filter: blur(6px); transform: scale(1.02); animation: so-appear var(--calm); }
  so-stage .stage-part { position: absolute; border: 2px solid #fff; border-radius: 6px; box-shadow: 0 0 0 1px rgb(0 0 0 / 35%), inset 0 0 0 1px rgb(0 0 0 / 35%); animation: so-appear var(--calm); }
  so-stage .stage-part span { position: absolute; left: 6px; top: 6px; max-width: calc(100% - 12px); padding: 1px 8px; border-radius: 5px; background: rgb(12 12 11 / 78%); color: #fff; font-size: var(--text-xs); font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  so-stage .stage-gone { position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; gap: var(--space-2); color: var(--ink-3); }

  .facts { display: grid; gap: var(--space-2); margin-top: var(--space-3); font-size: var(--text-sm); }
  .facts > div { display: grid; grid-template-columns: 84px minmax(0, 1fr); gap: var(--space-3); }
  .facts dt { color: var(--ink-2); }
  .facts dd { overflow-wrap: anywhere; }
  .facts dd .button { vertical-align: middle; margin: -6px 0 -4px 2px; }
  .facts dd .button svg { width: 15px; height: 15px; }
  .facts-links { margin-top: var(--space-3); }
  .facts-links svg { width: 16px; height: 16px; }

  .similar { display: grid; grid-template-columns: repeat(3, 1fr); gap: 6px; margin-top: var(--space-3); }
  .similar > a, .similar > .skeleton { aspect-ratio: 1; border-radius: var(--radius-1); background: var(--surface-2) center / cover no-repeat; }
  .similar > a { transition: opacity var(--quick); }
  .similar > a:hover { opacity: 0.85; }
  .similar > p { grid-column: 1 / -1; }

  .why { display: grid; gap: var(--space-3); }
  .why:not(:empty) { margin-top: var(--space-4); }
  .why-wait { height: 72px; }
  .why-line { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 4px var(--space-3); font-size: var(--text-sm); }
  .why-line so-bar { grid-column: 1 / -1; }
  .why-line.why-all { font-weight: 620; }
  .why-line.minus so-bar { --bar-ink: var(--bad); }

  .tags-list { display: grid; gap: 2px; margin-top: var(--space-2); }
  .tags-list > .skeleton { height: 28px; margin: 4px 0; }
  .tags-line { display: grid; grid-template-columns: minmax(0, 1fr) auto 72px auto; align-items: center; gap: var(--space-3); min-height: 36px; }
  .tags-line > a { color: var(--ink); font-weight: 500; text-decoration: none; }
  .tags-line > a:hover { text-decoration: underline; }
  .tags-line.off > a { color: var(--ink-2); font-weight: 400; }
  .tags-source { color: var(--ink-2); font-variant-numeric: tabular-nums; }
  .tags-answers { display: flex; gap: 2px; }
  .tags-answers svg { width: 16px; height: 16px; }
  .tags-answers .button { color: var(--ink-3); }
  .tags-answers .button[data-answer="yes"]:is(:hover, [aria-pressed="true"]) { background: var(--good-soft); color: var(--good); }
  .tags-answers .button[data-answer="no"]:is(:hover, [aria-pressed="true"]) { background: var(--bad-soft); color: var(--bad); }

  @media (max-width: 900px) {
    so-detail .detail-body { display: block; overflow: auto; overscroll-behavior: contain; }
    so-detail .detail-view { height: auto; aspect-ratio: var(--ratio, 1.5); max-width: calc(64dvh * var(--ratio, 1.5)); max-height: 64dvh; margin: 0 auto; width: calc(100% - 2 * var(--space-3)); }
    so-detail .detail-panel { overflow: visible; padding: var(--space-2) var(--space-4) var(--space-7); }
    so-stage { inset: 0; }
    so-stage .stage-image, so-stage .stage-over { border-radius: 0; }
    .similar { grid-template-columns: repeat(4, 1fr); }
  }
  @media (max-width: 640px) {
    so-detail .detail-head { height: 52px; padding: 0 var(--space-2); gap: var(--space-1); }
    so-detail .detail-place { display: none; }
    so-detail .detail-name { flex: 1; }
    so-detail .detail-actions { gap: 0; }
    so-detail .detail-actions .button { width: 40px; padding: 0; border-color: transparent; background: none; }
    so-detail .detail-actions span { display: none; }
    so-detail .detail-actions svg { width: 19px; height: 19px; }
    so-detail .button.detail-step { display: none; }
  }
`;
