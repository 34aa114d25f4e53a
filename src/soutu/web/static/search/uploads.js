/**
 * Pictures that were dropped, pasted or chosen. They live as long as the page; the address only
 * holds their number.
 */

const LARGE = 3_000_000; // bytes; as typing sends the picture again, large ones are made smaller first
const SIDE = 2048;

const kept = new Map();
let count = 0;

/** The pictures by their numbers: `{ file, name, url }`, `url` for showing. */
export const uploads = {
  get: (key) => kept.get(key),

  /** Keep a picture file and return its number. */
  async add(file) {
    const key = `u${(count += 1)}`;
    const small = await lighter(file);
    kept.set(key, { file: small, name: file.name || "picture", url: URL.createObjectURL(small) });
    return key;
  },
};

async function lighter(file) {
  if (file.size <= LARGE) return file;
  try {
    const image = await createImageBitmap(file);
    const scale = Math.min(1, SIDE / Math.max(image.width, image.height));
    const canvas = new OffscreenCanvas(Math.round(image.width * scale), Math.round(image.height * scale));
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    image.close();
    return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
  } catch {
    return file; // a format this browser does not know: the server may
  }
}

/** Return the picture files of a drop or a paste. */
export function pictureFiles(transfer) {
  return [...(transfer?.files ?? [])].filter((file) =>
    file.type.startsWith("image/") || /\.(jpe?g|png|webp|gif|avif|hei[cf]|tiff?|bmp)$/i.test(file.name));
}
