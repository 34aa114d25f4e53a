/** Folders as a tree: from the counts by folder that the server gives. */

/**
 * Return the top folders of a library, `{ path, name, own, total, folders }`; a folder without
 * pictures of its own and with one folder in it is drawn together with that one.
 */
export function folderTree(counts) {
  const root = node("", "");
  for (const [path, count] of Object.entries(counts)) {
    const windows = !path.startsWith("/");
    const parts = path.split(windows ? /[\\/]/ : "/").filter(Boolean);
    let at = root;
    let here = "";
    for (const part of parts) {
      here = here || windows ? (here ? `${here}${windows ? "\\" : "/"}${part}` : part) : `/${part}`;
      if (!at.inside.has(part)) at.inside.set(part, node(here, part));
      at = at.inside.get(part);
    }
    at.own += count;
  }
  return closed(root).folders.map((folder) => squeezed(folder));
}

const node = (path, name) => ({ path, name, own: 0, inside: new Map() });

function closed({ path, name, own, inside }) {
  const folders = [...inside.values()].map(closed).sort((a, b) => a.name.localeCompare(b.name));
  return { path, name, own, folders, total: folders.reduce((sum, each) => sum + each.total, own) };
}

function squeezed(folder, parent = "") {
  let last = folder;
  while (last.own === 0 && last.folders.length === 1) last = last.folders[0];
  const name = parent ? last.path.slice(parent.length).replace(/^[\\/]/, "") : last.path;
  return { ...last, name, folders: last.folders.map((each) => squeezed(each, last.path)) };
}
