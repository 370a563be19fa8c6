// A slice on a canvas: image, overlay, outlines, and what is written on it.

// An overlay is opaque from this share of its range on, so that what is near zero stays transparent.
const OPAQUE_FROM = 0.2;
const shared = JSON.parse(document.getElementById("shared").textContent);
const fromBase64 = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const colourMaps = {};
for (const [name, colours] of Object.entries(shared.colours)) colourMaps[name] = fromBase64(colours);

// Pixels of the screen per mm at which a picture is `tall` and no wider than `room`.
const scaleOf = ({ rows, columns, spacing_mm: [down, across] }, tall, room) =>
  Math.min(tall / (rows * down), room / (columns * across));

// Draws a slice. `view` says what is seen of it: slice, layer, overlay, opacity, top, window, outlines and the
// marked place.
const paintSlice = (canvas, data, view, scale) => {
  const { rows, columns, spacing_mm: [down, across] } = data;
  const [width, height] = [columns * across * scale, rows * down * scale];
  const sharp = window.devicePixelRatio || 1;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * sharp);
  canvas.height = Math.round(height * sharp);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(plane(data, view), 0, 0, canvas.width, canvas.height);
  const [x, y] = [canvas.width / columns, canvas.height / rows];
  context.lineWidth = Math.max(1, 1.5 * sharp);
  for (const place of view.outlines) outline(context, data, view.slice, data.outlines[place], x, y);
  if (view.isLarge) write(context, data, view.marked, x, y, sharp);
};

// The pixels of a slice with its overlay, one to one.
const plane = (data, { slice, layer, overlay, opacity, top, window: [black, white] }) => {
  const { rows, columns } = data;
  const pixels = new ImageData(columns, rows);
  const map = overlay && colourMaps[overlay.colours];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const at = pixelAt(data, slice, row, column);
      const value = (valueAt(data, layer, at) - black) / Math.max(white - black, 0.01);
      const grey = Math.round(255 * Math.min(Math.max(value, 0), 1));
      let colour = [grey, grey, grey];
      if (overlay) {
        const range = top * (overlay.colours_to - overlay.from);
        const share = range > 0 ? Math.min((valueAt(data, overlay, at) - overlay.from) / range, 1) : 0;
        const alpha = opacity * Math.min(share / OPAQUE_FROM, 1);
        const place = 3 * Math.round(255 * share);
        colour = colour.map((under, channel) => under + alpha * (map[place + channel] - under));
      }
      pixels.data.set([...colour, 255], 4 * (row * columns + column));
    }
  }
  const small = make("canvas", { width: columns, height: rows });
  small.getContext("2d").putImageData(pixels, 0, 0);
  return small;
};

const outline = (context, data, slice, { bit, colour, dashed }, x, y) => {
  const { rows, columns } = data;
  const inside = (row, column) => row >= 0 && row < rows && column >= 0 && column < columns
    && (data.masks[pixelAt(data, slice, row, column)] & bit) !== 0;
  context.beginPath();
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      if (!inside(row, column)) continue;
      const edges = [
        [row - 1, column, column, row, column + 1, row],
        [row + 1, column, column, row + 1, column + 1, row + 1],
        [row, column - 1, column, row, column, row + 1],
        [row, column + 1, column + 1, row, column + 1, row + 1],
      ];
      for (const [r, c, fromX, fromY, toX, toY] of edges) {
        if (inside(r, c) || (dashed && (row + column) % 2 === 0)) continue;
        context.moveTo(fromX * x, fromY * y);
        context.lineTo(toX * x, toY * y);
      }
    }
  }
  // A dark rim keeps an outline apart from a map of nearly its colour.
  const thin = context.lineWidth;
  for (const [ink, wide] of [["#000000a0", 2.4 * thin], [colour, thin]]) {
    context.strokeStyle = ink;
    context.lineWidth = wide;
    context.stroke();
  }
  context.lineWidth = thin;
};

// Directions, discs, a scale bar and the marked place.
const write = (context, { discs, spacing_mm: [, across] }, marked, x, y, sharp) => {
  const { canvas } = context;
  const ink = (text, left, top, align) => {
    context.textAlign = align;
    context.lineWidth = 3 * sharp;
    context.strokeStyle = "#000000";
    context.fillStyle = "#ffffff";
    context.strokeText(text, left, top);
    context.fillText(text, left, top);
  };
  context.font = `${12 * sharp}px sans-serif`;
  context.textBaseline = "middle";
  // In a narrow picture, as on a phone, the bar and its label would reach the "I": they stand above it then.
  const length = (10 / across) * x;
  const reach = 6 * sharp + Math.max(length, context.measureText("10 mm").width);
  const bottom = canvas.height - (reach > canvas.width / 2 - 8 * sharp ? 18 * sharp : 0);
  ink("S", canvas.width / 2, 9 * sharp, "center");
  ink("I", canvas.width / 2, canvas.height - 9 * sharp, "center");
  ink("A", 4 * sharp, canvas.height / 2, "left");
  ink("P", canvas.width - 4 * sharp, canvas.height / 2, "right");
  for (const { name, row, column } of discs) {
    const [left, top] = [(column + 0.5) * x, (row + 0.5) * y];
    if (top < 18 * sharp || top > bottom - 32 * sharp) continue;
    context.lineWidth = 1.5 * sharp;
    context.strokeStyle = "#ffffff";
    context.beginPath();
    context.moveTo(left - 3 * sharp, top);
    context.lineTo(left + 3 * sharp, top);
    context.stroke();
    ink(name, Math.max(left - 6 * sharp, 34 * sharp), top, "right");
  }
  context.lineWidth = 3 * sharp;
  context.strokeStyle = "#ffffff";
  context.beginPath();
  context.moveTo(6 * sharp, bottom - 8 * sharp);
  context.lineTo(6 * sharp + length, bottom - 8 * sharp);
  context.stroke();
  ink("10 mm", 6 * sharp, bottom - 18 * sharp, "left");
  if (!marked) return;
  const [left, top] = [(marked.column + 0.5) * x, (marked.row + 0.5) * y];
  for (const [colour, width] of [["#000000", 4], ["#ffff66", 2]]) {
    context.lineWidth = width * sharp;
    context.strokeStyle = colour;
    context.beginPath();
    context.moveTo(0, top);
    context.lineTo(canvas.width, top);
    context.moveTo(left + 5 * sharp, top);
    context.arc(left, top, 5 * sharp, 0, 2 * Math.PI);
    context.stroke();
  }
};

// The colours of an overlay with the values at their ends.
const colourBar = (layer, top) => {
  const map = colourMaps[layer.colours];
  const stops = Array.from({ length: 17 }, (_, step) => {
    const place = 3 * Math.min(255, step * 16);
    return `rgb(${map[place]},${map[place + 1]},${map[place + 2]})`;
  });
  const colours = make("span", { class: "colours" });
  colours.style.background = `linear-gradient(to right, ${stops.join(",")})`;
  const end = layer.from + top * (layer.colours_to - layer.from);
  return [digits(layer.from), colours, `${digits(end)} ${layer.unit}`];
};
