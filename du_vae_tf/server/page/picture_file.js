/** Pictures from files, made into what the model reads. */

/** Brightness of each pixel of a picture scaled into a square, with its margins filled. */
function brightness(bitmap, side) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.imageSmoothingQuality = "high";
  const scale = side / Math.max(bitmap.width, bitmap.height);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  // What is transparent, and what the picture leaves free of the square, is white.
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, side, side);
  context.drawImage(bitmap, (side - width) / 2, (side - height) / 2, width, height);
  const {data} = context.getImageData(0, 0, side, side);
  return Array.from({length: side * side}, (_, pixel) =>
    0.299 * data[4 * pixel] + 0.587 * data[4 * pixel + 1] + 0.114 * data[4 * pixel + 2]);
}

/**
 * Rows of 0 and 1 from a picture file: ink is what differs from most of the border, so that both
 * dark on light and light on dark will do. Null if the file is no picture.
 */
export async function readPicture(file, side) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return null;
  }
  const values = brightness(bitmap, side);
  bitmap.close();
  const threshold = (Math.min(...values) + Math.max(...values)) / 2;
  const bright = Array.from({length: side}, (_, row) =>
    values.slice(row * side, (row + 1) * side).map((value) => (value > threshold ? 1 : 0)));
  const border = [
    ...bright[0], ...bright[side - 1], ...bright.map((row) => row[0]),
    ...bright.map((row) => row[side - 1])];
  const brightBorder = border.filter(Boolean).length * 2 > border.length;
  return bright.map((row) => row.map((pixel) => (brightBorder ? 1 - pixel : pixel)));
}
