/** Jobs in words. */

import { number, span, t } from "../i18n.js";

export const ENDED = ["done", "stopped", "failed"];

/** Return the last part of a path. */
export const baseName = (path) => path.split(/[/\\]/).filter(Boolean).pop() ?? path;

/** Say what a job does. */
export function jobTitle({ kind, title }) {
  if (kind === "index") {
    const [first, ...more] = title.paths ?? [];
    return t(more.length ? "job.index.more" : "job.index", { name: baseName(first ?? ""), n: more.length });
  }
  if (kind === "use-model" || kind === "add-model") return t(`job.${kind}`, { name: title.model });
  if (kind === "write-tags") return t(title.dry_run ? "job.write-tags.dry" : "job.write-tags");
  return kind;
}

/** Say how far a job is, one part a text. */
export function jobProgress({ state, progress, title, kind }, pace) {
  if (state === "waiting") return [t("job.waiting")];
  if (!progress) return [t("job.starting")];
  const { stage, done, total, failed } = progress;
  const amount = stage === "download" ? [] : [
    total ? t("job.of", { done, total }) : number(done),
  ];
  return [
    t(`job.stage.${stage}`, { name: title?.model ?? kind }), ...amount,
    pace.rate !== null && stage !== "download" && t("job.rate", { n: Math.round(pace.rate * 10) / 10 }),
    pace.left !== null && pace.left >= 1 && t("job.left", { time: span(Math.ceil(pace.left)) }),
    failed > 0 && t("job.failed.n", { n: failed }),
  ].filter(Boolean);
}

/** Say what an ended job did. */
export function jobResult({ kind, state, result, error, title }) {
  if (state === "failed") return error?.message ?? t("error.unknown");
  const parts = [];
  if (state === "stopped") parts.push(t("job.stopped"));
  if (kind === "index" && result) {
    for (const name of ["added", "updated", "moved", "removed", "skipped"]) {
      if (result[name]) parts.push(t(`job.did.${name}`, { n: result[name] }));
    }
    if (result.failures?.length) parts.push(t("job.failed.n", { n: result.failures.length }));
    if (state === "done" && !parts.length) parts.push(t("job.did.nothing"));
    if (result.seconds >= 1) parts.push(span(Math.round(result.seconds)));
  } else if (kind === "write-tags" && result) {
    parts.push(t(title.dry_run ? "job.would.write" : "job.did.write", { n: result.written }));
    if (result.unchanged) parts.push(t("job.did.unchanged", { n: result.unchanged }));
    if (result.failures?.length) parts.push(t("job.failed.n", { n: result.failures.length }));
  } else if (state === "done") parts.push(t("job.done"));
  return parts.join(" · ");
}
