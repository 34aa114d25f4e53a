/**
 * What is asked for: words, pictures, tags and filters, as the address holds it.
 *
 *     ?q=a cat -dog            words; with a dash before them: away from these
 *     &also=-1 rain            more words with their weight
 *     &like=2 17 0.1,0.1,0.5,0.5   picture 17 with weight 2, of it only a part
 *     &upload=1 u3   &link=1 https://…
 *     &tag=cat&tag=!dog  &folder=…&camera=…&format=…  &from=2023&to=2024-05
 *     &where=…  &names=…  &variety=0.5
 */

import { uploads } from "./uploads.js";

const KINDS = ["also", "like", "upload", "link"];
const FIELDS = ["folder", "camera", "format"];

/** The weights that a term can have, in order. */
export const WEIGHTS = [-2, -1, 1, 2, 3];

/** A question; every change gives a new one. */
export class Question {
  constructor(params = new URLSearchParams()) {
    this.words = params.get("q") ?? "";
    this.terms = KINDS.flatMap((kind) => params.getAll(kind).map((text) => readTerm(kind, text)))
      .filter(Boolean);
    this.tags = params.getAll("tag");
    for (const field of FIELDS) this[field] = params.getAll(field);
    this.from = params.get("from") ?? "";
    this.to = params.get("to") ?? "";
    this.raw = params.get("where") ?? "";
    this.names = params.get("names") ?? "";
    this.variety = Math.min(Math.max(Number(params.get("variety")) || 0, 0), 1);
  }

  /** Return a copy in which some things are different. */
  with(changes) {
    return Object.assign(new Question(), this, changes);
  }

  /** Return it as changes for `router.set`. */
  params() {
    const terms = Object.fromEntries(KINDS.map((kind) =>
      [kind, this.terms.filter((term) => term.kind === kind).map(writeTerm)]));
    return {
      q: this.words, ...terms, tag: this.tags, folder: this.folder, camera: this.camera,
      format: this.format, from: this.from, to: this.to, where: this.raw, names: this.names,
      variety: this.variety || null,
    };
  }

  /** A text that is the same for the same question. */
  get key() {
    return JSON.stringify(this.params());
  }

  /** Whether something ranks the pictures; if not they are listed by time. */
  get ranks() {
    return this.sent().length > 0 || this.tags.length > 0 || this.names.trim() !== "";
  }

  /** Whether nothing at all is asked for. */
  get isEmpty() {
    return !this.ranks && this.where() === null;
  }

  /** Whether hits come in the order of their relevance, so that near misses follow the matches. */
  get isSorted() {
    return this.names.trim() === "" && this.variety === 0;
  }

  /** The terms as the server takes them. */
  sent() {
    const { plus, minus } = splitWords(this.words);
    return [
      ...(plus ? [{ text: plus, weight: 1 }] : []),
      ...minus.map((text) => ({ text, weight: -1 })),
      ...this.terms.map(({ kind, value, weight, box }) => ({
        [{ also: "text", like: "id", upload: "upload", link: "url" }[kind]]:
          kind === "like" ? Number(value) : value,
        weight,
        ...(box ? { box } : {}),
      })),
    ];
  }

  /** The filters as one WHERE, null where there are none. */
  where() {
    const parts = FIELDS.flatMap((field) => {
      const values = this[field];
      if (values.length === 0) return [];
      return values.length === 1 ? [`${field} = ${quoted(values[0])}`]
        : [`${field} IN (${values.map(quoted).join(", ")})`];
    });
    if (this.from) parts.push(`date >= ${quoted(this.from)}`);
    if (this.to) parts.push(`date <= ${quoted(this.to)}`);
    if (this.raw.trim()) parts.push(parts.length ? `(${this.raw})` : this.raw);
    return parts.length ? parts.join(" AND ") : null;
  }

  /** The body of a request: JSON, or a form where pictures come along. */
  body(more = {}) {
    const query = {
      terms: this.sent(), where: this.where(), keywords: this.names.trim() || null, tags: this.tags,
      diversity: this.variety, ...more,
    };
    const files = this.terms.filter((term) => term.kind === "upload");
    if (files.length === 0) return query;
    const form = new FormData();
    form.append("query", JSON.stringify(query));
    for (const { value } of files) form.append(value, uploads.get(value).file, uploads.get(value).name);
    return form;
  }

  /** Return it with a term more; one for the same thing is replaced. */
  adding(term) {
    const made = { weight: 1, box: null, ...term, value: String(term.value) };
    const same = (each) => each.kind === made.kind && each.value === made.value
      && String(each.box) === String(made.box);
    return this.with({ terms: [...this.terms.filter((each) => !same(each)), made] });
  }

  /** Return it with one term changed, or (null) taken away. */
  changing(term, changes) {
    return this.with({
      terms: this.terms.flatMap((each) =>
        each !== term ? [each] : changes === null ? [] : [{ ...each, ...changes }]),
    });
  }
}

const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

function readTerm(kind, text) {
  const found = /^(-?[\d.]+) (.+)$/s.exec(text);
  if (!found) return null;
  const weight = Number(found[1]);
  const cut = / ([\d.]+(?:,[\d.]+){3})$/.exec(found[2]);
  const box = cut && kind !== "also" ? cut[1].split(",").map(Number) : null;
  const value = box ? found[2].slice(0, cut.index) : found[2];
  if (!Number.isFinite(weight) || (kind === "like" && !/^\d+$/.test(value))) return null;
  if (kind === "upload" && !uploads.get(value)) return null; // dropped before the page was loaded anew
  return { kind, value, weight, box };
}

const writeTerm = ({ value, weight, box }) =>
  `${weight} ${value}${box ? ` ${box.map((each) => Number(each.toFixed(4))).join(",")}` : ""}`;

/** Part words to look for from those with a dash before them. */
export function splitWords(text) {
  const minus = [];
  const plus = text.replace(/(^|\s)-(?:"([^"]+)"|([^\s"-]\S*))/g, (_, space, phrase, word) => {
    minus.push((phrase ?? word).trim());
    return space;
  });
  return { plus: plus.trim().replace(/\s+/g, " "), minus };
}
