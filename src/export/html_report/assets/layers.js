// Images and maps: from the pictures in the page to values.

// The pixels of a strip of slices that stand side by side in one picture. Of two bytes per pixel, the high ones
// stand above the low ones.
const decode = async (sprite, bytes = 1) => {
  const picture = new Image();
  picture.src = `data:image/png;base64,${sprite}`;
  await picture.decode();
  const canvas = make("canvas", { width: picture.width, height: picture.height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  const rgba = context.getImageData(0, 0, picture.width, picture.height).data;
  const length = rgba.length / 4 / bytes;
  if (bytes === 1) return Uint8Array.from({ length }, (_, pixel) => rgba[4 * pixel]);
  return Uint16Array.from({ length }, (_, pixel) => 256 * rgba[4 * pixel] + rgba[4 * (pixel + length)]);
};

// The layers of a viewer's data and its masks, decoded in place.
const decodeAll = async (data) => {
  const layers = [...data.images, ...data.overlays];
  const pictures = [...layers.map((layer) => decode(layer.sprite, layer.bytes)), decode(data.masks)];
  const decoded = await Promise.all(pictures);
  layers.forEach((layer, place) => {
    layer.pixels = decoded[place];
    layer.sprite = null;
  });
  data.masks = decoded.at(-1);
};

// Place of a pixel of a slice in a strip.
const pixelAt = ({ columns, slices }, slice, row, column) => row * columns * slices.length + slice * columns + column;

const valueAt = (data, layer, place) => {
  if (layer.region_only && !(data.masks[place] & data.region_bit)) return valueAt(data, data.images[0], place);
  return layer.from + layer.pixels[place] * layer.step;
};

// The value in words, with no more digits than the picture holds.
const wordsAt = (data, layer, place) => {
  if (layer.scored_only && !(data.masks[place] & data.scored_bit)) return "not scored";
  return digits(valueAt(data, layer, place), layer.decimals);
};
