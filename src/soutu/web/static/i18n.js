/**
 * Words in the reader's language.
 *
 *     t("search.count", { n: 3 })      // strings/en/search.js: "search.count": { one: "{n} picture", other: "{n} pictures" }
 *     number(12345)  percent(0.87)  bytes(52000)  date("2024-05-31T10:00:00")  ago(iso)
 *
 * Each part of the page keeps its strings in strings/en/PART.js and strings/zh/PART.js, merged by
 * strings/en.js and strings/zh.js. Keys are "part.name". A value is a text with {names}, or an
 * object of plural forms chosen by `n`. When the language changes the app builds the page anew, so
 * nothing has to listen.
 */

import { recall, remember } from "./kept.js";
import en from "./strings/en.js";
import zh from "./strings/zh.js";

const TABLES = { en, zh };
const LOCALES = { en: "en", zh: "zh-CN" };

/** The languages there are, each by its own name. */
export const LANGUAGES = { en: "English", zh: "中文" };

let current = chosen();

function chosen() {
  const kept = recall("language");
  if (kept in TABLES) return kept;
  return (navigator.language ?? "en").toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** Return the language in force: "en" or "zh". */
export const language = () => current;

/** Return the locale in force, for Intl. English keeps the reader's own variety. */
export function locale() {
  const own = navigator.language ?? "en";
  return own.toLowerCase().startsWith(current) ? own : LOCALES[current];
}

/** Switch the language and remember it; "language" is dispatched on the document. */
export function setLanguage(name) {
  current = name in TABLES ? name : "en";
  remember("language", current);
  document.documentElement.lang = LOCALES[current];
  document.dispatchEvent(new CustomEvent("language"));
}

/** Return a text in the language in force, its {names} filled in (numbers are written out). */
export function t(key, values = {}) {
  let text = TABLES[current][key] ?? en[key];
  if (text === undefined) throw new Error(`there is no text ${key}`);
  if (typeof text === "object") {
    text = text[new Intl.PluralRules(LOCALES[current]).select(values.n)] ?? text.other;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name) =>
    name in values ? written(values[name]) : whole);
}

const written = (value) => (typeof value === "number" ? number(value) : String(value));

/** Write a number. */
export const number = (value, options = {}) => new Intl.NumberFormat(locale(), options).format(value);

/** Write a fraction as per cent. */
export const percent = (value, digits = 0) =>
  number(value, { style: "percent", maximumFractionDigits: digits });

/** Write a size in bytes, kB, MB or GB. */
export function bytes(value) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = value > 0 ? Math.min(Math.floor(Math.log10(value) / 3), units.length - 1) : 0;
  const scaled = value / 1000 ** step;
  return number(scaled, {
    style: "unit",
    unit: units[step],
    unitDisplay: step ? "short" : "long",
    maximumFractionDigits: step > 1 && scaled < 100 ? 1 : 0,
  });
}

/** Write a date (ISO text or Date), with the time unless `time` is false. */
export function date(value, { time = true } = {}) {
  const style = time ? { dateStyle: "medium", timeStyle: "short" } : { dateStyle: "medium" };
  return new Intl.DateTimeFormat(locale(), style).format(new Date(value));
}

/** Write how long ago a moment was. */
export function ago(value) {
  const seconds = (new Date(value) - Date.now()) / 1000;
  const form = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= length) return form.format(Math.round(seconds / length), unit);
  }
  return form.format(Math.round(seconds), "second");
}

/** Write a length of time given in seconds: "3 min", "12 s". */
export function span(seconds) {
  const [unit, value] = seconds >= 3600 ? ["hour", seconds / 3600]
    : seconds >= 60 ? ["minute", seconds / 60] : ["second", seconds];
  return number(value, {
    style: "unit", unit, unitDisplay: "short", maximumFractionDigits: value < 10 ? 1 : 0,
  });
}
