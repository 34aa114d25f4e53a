/** Tags as the page arranges them: found by any name, under their parents, in their groups. */

import { language, locale } from "../i18n.js";

const CJK = /\p{Script=Han}/u;

/** Return all names of a tag. */
export const namesOf = (tag) => [tag.name, ...tag.aliases];

/** Tell whether a text is part of one of a tag's names (or of its group's). */
export function answersTo(tag, text) {
  const wanted = text.trim().toLowerCase();
  return [...namesOf(tag), tag.group ?? ""].some((name) => name.toLowerCase().includes(wanted));
}

/** Return the tag with a name or alias, undefined where there is none. */
export function findTag(tags, name) {
  const wanted = name.trim().toLowerCase();
  return tags.find((tag) => tag.name === name)
    ?? tags.find((tag) => namesOf(tag).some((each) => each.toLowerCase() === wanted));
}

/** Return the name in the reader's own script, where that is an alias; null otherwise. */
export function ownName(tag) {
  const wanted = language() === "zh";
  if (CJK.test(tag.name) === wanted) return null;
  return tag.aliases.find((alias) => CJK.test(alias) === wanted) ?? null;
}

/**
 * Return rows in the order in which they are shown: `{ group, depth, count }` for the heading of a
 * group, `{ tag, depth }` for a tag. `by` is "name" or "count"; `counts` maps names to numbers.
 */
export function arranged(tags, counts, by) {
  const known = new Set(tags.map((tag) => tag.name));
  const below = new Map();
  for (const tag of tags) {
    const place = tag.parent && known.has(tag.parent) ? `tag ${tag.parent}`
      : tag.group ? `group ${tag.group}` : "";
    if (!below.has(place)) below.set(place, []);
    below.get(place).push({ tag, title: tag.name, count: counts.get(tag.name) ?? 0 });
  }
  const groups = [...below.keys()].filter((place) => place.startsWith("group ")).map((place) => ({
    group: place.slice(6),
    title: place.slice(6),
    count: below.get(place).reduce((sum, node) => sum + node.count, 0),
  }));
  const rows = [];
  const seen = new Set();
  const visit = (nodes, depth) => {
    for (const node of sorted(nodes, by)) {
      if (node.tag && seen.has(node.tag.name)) continue; // parents in a circle
      if (node.tag) seen.add(node.tag.name);
      rows.push({ ...node, depth });
      visit(below.get(node.tag ? `tag ${node.tag.name}` : `group ${node.group}`) ?? [], depth + 1);
    }
  };
  visit([...(below.get("") ?? []), ...groups], 0);
  return rows;
}

/** Return rows without depth for the tags that answer to a text; exact names come first. */
export function matching(tags, counts, by, text) {
  const wanted = text.trim().toLowerCase();
  const found = tags.filter((tag) => answersTo(tag, text))
    .map((tag) => ({ tag, title: tag.name, count: counts.get(tag.name) ?? 0, depth: 0 }));
  const begins = ({ tag }) => namesOf(tag).some((name) => name.toLowerCase().startsWith(wanted));
  const rows = sorted(found, by);
  return [...rows.filter(begins), ...rows.filter((row) => !begins(row))];
}

function sorted(nodes, by) {
  const order = new Intl.Collator(locale(), { numeric: true });
  const named = (a, b) => order.compare(a.title, b.title);
  return [...nodes].sort(by === "count" ? (a, b) => b.count - a.count || named(a, b) : named);
}
