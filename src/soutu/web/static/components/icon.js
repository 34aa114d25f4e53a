/**
 * Line icons, drawn by the DOM: `icon("search")`. They are decoration; the button has the label.
 */

const NS = "http://www.w3.org/2000/svg";

/** Paths on a field of 24 × 24; several are separated by a bar. */
const PATHS = {
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14|M16 16l4.5 4.5",
  tag: "M12.6 3.5H4.5a1 1 0 0 0-1 1v8.1a2 2 0 0 0 .6 1.4l6.5 6.5a2 2 0 0 0 2.8 0l7-7a2 2 0 0 0 0-2.8l-6.4-6.4a2 2 0 0 0-1.4-.6|M8 8h.01",
  check: "M4.5 12.5l5 5 10-11",
  folder: "M3.5 7a2 2 0 0 1 2-2h3.6a2 2 0 0 1 1.5.7L12 7.2h6.5a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2h-13a2 2 0 0 1-2-2z",
  cube: "M12 3l7.8 4.4v9.2L12 21l-7.8-4.4V7.4z|M4.4 7.6L12 12l7.6-4.4|M12 12v8.8",
  sliders: "M4 7h9|M17 7h3|M4 17h3|M11 17h9|M15 5v4|M9 15v4",
  close: "M6 6l12 12|M18 6L6 18",
  plus: "M12 5v14|M5 12h14",
  minus: "M5 12h14",
  image: "M5.5 4h13a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-13a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2|M4 17l4.8-4.8a1.5 1.5 0 0 1 2.1 0L18 19.4|M15.5 9.2h.01",
  crop: "M7 3v12a2 2 0 0 0 2 2h12|M3 7h12a2 2 0 0 1 2 2v12",
  camera: "M4.5 8h2.6l1.4-2.4h7L16.9 8h2.6a1.5 1.5 0 0 1 1.5 1.500v8a1.5 1.5 0 0 1-1.5 1.500h-15A1.5 1.5 0 0 1 3 17.500v-8A1.5 1.5 0 0 1 4.5 8|M12 10a3.2 3.2 0 1 1 0 6.4 3.2 3.2 0 0 1 0-6.4",
  calendar: "M5.5 5.500h13a1.5 1.5 0 0 1 1.5 1.500v11.500a1.5 1.5 0 0 1-1.5 1.500h-13A1.5 1.5 0 0 1 4 18.500V7a1.5 1.5 0 0 1 1.5-1.5|M4 10h16|M8 3.500v4|M16 3.500v4",
  file: "M7 3.500h7l4.5 4.500v11a1.5 1.5 0 0 1-1.5 1.500H7A1.5 1.5 0 0 1 5.5 19V5A1.5 1.5 0 0 1 7 3.5|M13.5 3.500V8.500h5",
  filter: "M4 6h16|M7 12h10|M10.5 18h3",
  chevron: "M7 10l5 5 5-5",
  left: "M14.5 5.500L8 12l6.5 6.5",
  right: "M9.5 5.500L16 12l-6.5 6.5",
  arrow: "M5 12h14|M13 6l6 6-6 6",
  thumb_up: "M7.5 10.500V20H5a1 1 0 0 1-1-1v-7.500a1 1 0 0 1 1-1zl3.7-6.600A1.8 1.8 0 0 1 14.5 5v4h4a2 2 0 0 1 2 2.400l-1.3 7A2 2 0 0 1 17.2 20H7.5",
  warning: "M12 4l8.5 15.500h-17z|M12 10v4|M12 17h.01",
  info: "M12 3.500a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17|M12 11v5.5|M12 7.800h.01",
  help: "M12 3.500a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17|M9.6 9.500a2.5 2.5 0 1 1 3.6 2.300c-.8.4-1.2 1-1.2 1.9|M12 16.800h.01",
  copy: "M9.5 8.500h9a1.5 1.5 0 0 1 1.5 1.500v9a1.5 1.5 0 0 1-1.5 1.500h-9A1.5 1.5 0 0 1 8 19v-9a1.5 1.5 0 0 1 1.5-1.5|M5.5 15.500A1.5 1.5 0 0 1 4 14V5.500A1.5 1.5 0 0 1 5.5 4H14a1.5 1.5 0 0 1 1.5 1.5",
  download: "M12 4v11|M7.5 11l4.5 4.500L16.5 11|M5 19.500h14",
  upload: "M12 15.500V4.5|M7.5 9L12 4.5 16.5 9|M5 19.500h14",
  trash: "M5 7h14|M9.5 7V4.500h5V7|M7 7l.8 12.500h8.400L17 7|M10.5 11v5|M13.5 11v5",
  edit: "M4.5 19.500l.8-3.800L15.7 5.300a1.6 1.6 0 0 1 2.3 0l.7.7a1.6 1.6 0 0 1 0 2.300L8.3 18.700z|M14 7l3 3",
  undo: "M8.5 5L4.5 9l4 4|M5 9h9a5.5 5.5 0 0 1 0 11H9",
  refresh: "M19.5 12a7.5 7.5 0 1 1-2.2-5.300L19.5 9|M19.5 4.500V9H15",
  play: "M8 5.500v13l10.5-6.500z",
  stop: "M7 7h10v10H7z",
  dots: "M6 12h.01|M12 12h.01|M18 12h.01",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.300l-1 1|M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.700l1-1",
  spark: "M12 4l1.8 5.200L19 11l-5.2 1.800L12 18l-1.8-5.200L5 11l5.2-1.800z|M18.5 16.500v4|M16.5 18.500h4",
  merge: "M7 4v4c0 4 5 4 5 8v4|M17 4v4c0 4-5 4-5 8",
  history: "M4.5 12a7.5 7.5 0 1 0 2.2-5.300L4.5 9|M4.5 4.500V9H9|M12 8v4.500l3 1.8",
  screen: "M4.5 5h15A1.5 1.5 0 0 1 21 6.500v8a1.5 1.5 0 0 1-1.5 1.500h-15A1.5 1.5 0 0 1 3 14.500v-8A1.5 1.5 0 0 1 4.5 5|M9 20h6|M12 16v4",
  sun: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8|M12 2.500v2|M12 19.500v2|M2.5 12h2|M19.5 12h2|M5.3 5.300l1.4 1.4|M17.3 17.300l1.4 1.4|M5.3 18.700l1.4-1.4|M17.3 6.700l1.4-1.4",
  moon: "M20 14.200A8.3 8.3 0 0 1 9.8 4a8.3 8.3 0 1 0 10.2 10.2",
  place: "M12 21c4.2-4.3 6.5-7.8 6.5-10.800a6.5 6.5 0 1 0-13 0C5.5 13.2 7.8 16.7 12 21|M12 8a2.4 2.4 0 1 1 0 4.800A2.4 2.4 0 0 1 12 8",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12|M12 9.200a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6",
};

/** The names there are. */
export const ICONS = Object.keys(PATHS);

/** Draw an icon. */
export function icon(name) {
  const svg = document.createElementNS(NS, "svg");
  const looks = {
    viewBox: "0 0 24 24", width: "20", height: "20", fill: "none", stroke: "currentColor",
    "stroke-width": "1.8", "stroke-linecap": "round", "stroke-linejoin": "round",
    "aria-hidden": "true", focusable: "false", class: "so-icon",
  };
  for (const [key, value] of Object.entries(looks)) svg.setAttribute(key, value);
  for (const path of (PATHS[name] ?? "").split("|")) {
    const line = document.createElementNS(NS, "path");
    line.setAttribute("d", path);
    svg.append(line);
  }
  return svg;
}
