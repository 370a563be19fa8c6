// The anomaly along the cord beside its slice: each point at the height that it has in the picture.

// The row of the picture at a position along the cord; beyond the curve, rows go on as they do at its end.
const rowAt = ({ position_mm: positions, row: rows }, mm) => {
  if (positions.length < 2) return rows[0] ?? 0;
  const next = positions.findIndex((position) => position >= mm);
  const to = next === -1 ? positions.length - 1 : Math.max(next, 1);
  const share = (mm - positions[to - 1]) / (positions[to] - positions[to - 1]);
  return rows[to - 1] + share * (rows[to] - rows[to - 1]);
};

// Draws the curve of a slice into `svg`, beside a picture of this height. Returns where rows lie on the screen; null
// without a curve.
const drawCurve = (svg, slice, data, marked, [width, pictured]) => {
  const { curve } = slice;
  const names = curve ? curve.segments.map((segment) => segment.name.length) : [];
  const [left, right, top, bottom] = [16 + 6.5 * Math.max(5, ...names), 10, 0, 40];
  const height = pictured + bottom;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  if (!curve) {
    svg.setAttribute("aria-label", `No anomaly curve: ${slice.summary}`);
    svg.replaceChildren(draw("text", { x: 8, y: 24 }, "too little cord to score"));
    return null;
  }
  const length = Math.max(curve.position_mm.at(-1), ...curve.segments.map((segment) => segment.to_mm));
  const step = rounded(Math.max(data.curve_top, curve.threshold ?? 0) / 2);
  const end = 2 * step;
  const across = (value) => left + (value / end) * (width - left - right);
  const downOf = (row) => Math.min(Math.max(((row + 0.5) / data.rows) * pictured, 0), pictured);
  const down = (mm) => downOf(rowAt(curve, mm));
  const nodes = [];
  curve.segments.forEach((segment, place) => {
    const [from, to] = [down(segment.from_mm), down(segment.to_mm)];
    const shape = { x: left, y: from, width: width - left - right, height: Math.max(to - from, 0) };
    if (place % 2 === 0) nodes.push(draw("rect", { class: "band", ...shape }));
    if (segment.lesion) nodes.push(draw("rect", { class: "lesion", ...shape, width: 6 }));
    nodes.push(draw("text", { x: left - 6, y: (from + to) / 2 + 4, "text-anchor": "end" }, segment.name));
  });
  nodes.push(draw("path", { class: "axis", d: `M${left} ${top}V${height - bottom}H${width - right}` }));
  for (let mm = 50; mm < length; mm += 50) {
    nodes.push(draw("line", { class: "grid", x1: left, x2: width - right, y1: down(mm), y2: down(mm) }));
    nodes.push(draw("text", { class: "mm", x: width - right, y: down(mm) - 3, "text-anchor": "end" }, `${mm} mm`));
  }
  for (const value of [0, step, end]) {
    const anchor = value === 0 ? "start" : value === end ? "end" : "middle";
    nodes.push(draw("text", { x: across(value), y: height - bottom + 16, "text-anchor": anchor }, digits(value)));
  }
  const middle = (left + width - right) / 2;
  nodes.push(draw("text", { x: middle, y: height - 6, "text-anchor": "middle" }, shared.curve_unit));
  if (curve.threshold !== null && curve.threshold <= end) {
    const x = across(curve.threshold);
    nodes.push(draw("line", { class: "threshold", x1: x, x2: x, y1: top, y2: height - bottom }));
    const isLeft = x < (left + width) / 2;
    const anchor = { x: x + (isLeft ? 4 : -4), y: 12, "text-anchor": isLeft ? "start" : "end" };
    nodes.push(draw("text", { class: "mm", ...anchor }, "threshold"));
  }
  // The line ends where a stretch of the cord is not scored.
  const path = curve.position_mm.map((mm, place) => {
    const gap = place === 0 || mm - curve.position_mm[place - 1] > 3;
    return `${gap ? "M" : "L"}${across(Math.min(curve.value[place], end)).toFixed(1)} ${down(mm).toFixed(1)}`;
  });
  nodes.push(draw("path", { class: "line", d: path.join("") }));
  if (marked?.place !== undefined) {
    const y = down(curve.position_mm[marked.place]);
    nodes.push(draw("line", { class: "cursor", x1: left, x2: width - right, y1: y, y2: y }));
  }
  svg.setAttribute("aria-label", `Anomaly along the cord, ${slice.label}. ${slice.summary}`);
  svg.replaceChildren(...nodes);
  return { downOf };
};

const nearest = (values, distance) => {
  let best;
  values.forEach((value, place) => {
    if (best === undefined || distance(value, place) < distance(values[best], best)) best = place;
  });
  return best;
};

// The point of a curve that a pixel belongs to; none where its part of the cord is not scored.
const pointOf = (curve, [down, across], row, column) => {
  const away = (place) => [(row - curve.row[place]) * down, (column - curve.column[place]) * across];
  const best = nearest(curve.row, (_, place) => Math.hypot(...away(place)));
  if (best === undefined) return undefined;
  const between = (one, other) => Math.abs(curve.position_mm[one] - curve.position_mm[other]);
  const bin = Math.min(...curve.position_mm.slice(1).map((_, place) => between(place, place + 1)));
  const follows = (place) => place >= 0 && place < curve.row.length && between(place, best) < 1.5 * bin;
  for (const [beyond, within] of [[best + 1, best - 1], [best - 1, best + 1]]) {
    if (follows(beyond) || !follows(within)) continue;
    const [ends, inner] = [away(best), away(within)];
    const along = [inner[0] - ends[0], inner[1] - ends[1]];
    const past = (ends[0] * along[0] + ends[1] * along[1]) / Math.hypot(...along);
    if (past > 0.75 * bin) return undefined;
  }
  return best;
};
