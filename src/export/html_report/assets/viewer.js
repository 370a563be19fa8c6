// One viewer per subject: slices with overlays and outlines, and the anomaly curve beside them.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  // An overlay is opaque from this share of its range on, so that what is near zero stays transparent.
  const OPAQUE_FROM = 0.2;
  const GREY = Uint8Array.from({ length: 768 }, (_, place) => Math.floor(place / 3));
  const shared = JSON.parse(document.getElementById("shared").textContent);
  const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const colourMaps = { grey: GREY };
  for (const [name, colours] of Object.entries(shared.colours)) colourMaps[name] = bytes(colours);

  const make = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "class") node.className = value;
      else if (key in node) node[key] = value;
      else node.setAttribute(key, value);
    }
    node.append(...children);
    return node;
  };
  const draw = (name, attributes = {}, text = "") => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.textContent = text;
    return node;
  };
  // 1, 2 or 5 times a power of ten, at least `value`.
  const rounded = (value) => {
    const power = 10 ** Math.floor(Math.log10(value));
    return power * [1, 2, 5, 10].find((factor) => factor * power >= value * 0.999999);
  };
  const digits = (value) => (value === 0 ? "0" : Number(value.toPrecision(3)).toString());

  // The pixels of a strip of slices that stand side by side in one picture.
  const decode = async (sprite) => {
    const picture = new Image();
    picture.src = `data:image/png;base64,${sprite}`;
    await picture.decode();
    const canvas = make("canvas", { width: picture.width, height: picture.height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0);
    const rgba = context.getImageData(0, 0, picture.width, picture.height).data;
    return Uint8Array.from({ length: rgba.length / 4 }, (_, pixel) => rgba[4 * pixel]);
  };

  class Viewer {
    constructor(section) {
      this.section = section;
      this.data = JSON.parse(section.querySelector("script").textContent);
      this.slice = this.data.first;
      this.window = [0, this.data.white_from];
      this.opacity = 0.7;
      this.overlay = this.data.overlays.length > 0 ? 0 : -1;
      this.top = 1;
      this.outlines = new Set();
      this.data.outlines.forEach((outline, place) => outline.shown && this.outlines.add(place));
      this.marked = null;
    }

    async open() {
      const { images, overlays, masks } = this.data;
      const layers = [...images, ...overlays];
      const decoded = await Promise.all([...layers.map((layer) => layer.sprite), masks].map(decode));
      layers.forEach((layer, place) => {
        layer.pixels = decoded[place];
        layer.sprite = null;
      });
      this.masks = decoded.at(-1);
      this.build();
      this.render();
      let width = this.stage.clientWidth;
      new ResizeObserver(() => {
        if (this.stage.clientWidth === width) return;
        width = this.stage.clientWidth;
        this.render();
      }).observe(this.stage);
    }

    // Place of a pixel of the shown slice in a strip.
    at(row, column) {
      const { columns, slices } = this.data;
      return row * columns * slices.length + this.slice * columns + column;
    }

    value(layer, row, column) {
      if (layer.region_only && !(this.masks[this.at(row, column)] & this.data.region_bit)) {
        return this.value(this.data.images[0], row, column);
      }
      return layer.from + (layer.pixels[this.at(row, column)] / 255) * (layer.to - layer.from);
    }

    build() {
      const { data } = this;
      this.stage = make("div", { class: "stage" });
      this.pictures = data.images.map((layer, place) => {
        const canvas = make("canvas", { tabIndex: 0 });
        canvas.setAttribute("role", "img");
        const caption = place === 0 && data.overlays.length > 0 ? `${layer.name} with overlay` : layer.name;
        this.stage.append(make("figure", {}, canvas, make("figcaption", {}, caption)));
        canvas.addEventListener("pointermove", (event) => this.point(canvas, event));
        canvas.addEventListener("pointerleave", () => this.mark(null));
        canvas.addEventListener("keydown", (event) => this.key(event));
        return { canvas, layer, withOverlay: place === 0 };
      });
      // Without findings to look at, all slices stand beside the chosen one.
      this.strip = [];
      if (data.overlays.length === 0 && data.slices.length > 1) {
        const strip = make("div", { class: "strip" });
        this.strip = data.slices.map((slice, place) => {
          const canvas = make("canvas", {});
          const button = make("button", { type: "button" }, canvas, slice.label);
          button.addEventListener("click", () => this.choose(place));
          strip.append(button);
          return { canvas, button, place };
        });
        this.stage.append(strip);
      }
      if (data.slices.some((slice) => slice.curve)) {
        this.curve = draw("svg", { tabindex: 0, role: "img" });
        this.stage.append(make("figure", {}, this.curve, make("figcaption", {}, "Anomaly along the cord")));
        this.curve.addEventListener("pointermove", (event) => this.follow(event));
        this.curve.addEventListener("pointerleave", () => this.mark(null));
        this.curve.addEventListener("keydown", (event) => this.step(event));
      }
      this.readout = make("p", { class: "readout quiet" });
      this.section.querySelector(".viewer").replaceChildren(this.stage, this.readout, this.controls());
    }

    range(title, settings, shown, change) {
      const output = make("output", {}, shown(settings.value));
      const input = make("input", { type: "range", ...settings });
      input.value = settings.value;
      input.addEventListener("input", () => {
        change(Number(input.value));
        output.textContent = shown(Number(input.value));
        this.render();
      });
      return { row: make("label", {}, make("span", {}, title), input, output), input, output };
    }

    controls() {
      const { data } = this;
      const share = (value) => digits(value);
      const box = make("div", { class: "controls" });
      const last = data.slices.length - 1;
      this.sliceControl = this.range(
        "Slice", { min: 0, max: last, step: 1, value: this.slice, disabled: last === 0 },
        (place) => data.slices[place].label, (place) => { this.slice = place; },
      );
      box.append(this.sliceControl.row);
      if (data.overlays.length > 0) {
        const choice = make("select", {});
        choice.append(make("option", { value: -1 }, "none"));
        data.overlays.forEach((layer, place) => choice.append(make("option", { value: place }, layer.name)));
        choice.value = this.overlay;
        choice.addEventListener("change", () => { this.overlay = Number(choice.value); this.render(); });
        this.overlayChoice = choice;
        box.append(make("label", {}, make("span", {}, "Overlay"), choice));
        const percent = (value) => `${Math.round(value * 100)} %`;
        box.append(this.range("Opacity", { min: 0, max: 1, step: 0.05, value: this.opacity }, percent,
          (value) => { this.opacity = value; }).row);
        box.append(this.range("Overlay range", { min: 0.05, max: 1, step: 0.05, value: this.top }, percent,
          (value) => { this.top = value; }).row);
      }
      box.append(this.range("Black at", { min: 0, max: 0.95, step: 0.01, value: 0 }, share,
        (value) => { this.window[0] = value; }).row);
      box.append(this.range("White at", { min: 0.05, max: 1, step: 0.01, value: this.window[1] }, share,
        (value) => { this.window[1] = value; }).row);
      if (data.outlines.length > 0) {
        const set = make("fieldset", {}, make("legend", {}, "Outlines"));
        data.outlines.forEach((outline, place) => {
          const tick = make("input", { type: "checkbox", checked: outline.shown });
          tick.addEventListener("change", () => {
            if (tick.checked) this.outlines.add(place);
            else this.outlines.delete(place);
            this.render();
          });
          const key = make("span", { class: outline.dashed ? "key dashed" : "key" });
          key.style.color = outline.colour;
          set.append(make("label", {}, tick, key, outline.name));
        });
        box.append(set);
      }
      this.bar = make("div", { class: "bar" });
      box.append(this.bar);
      return box;
    }

    choose(place) {
      this.slice = place;
      this.sliceControl.input.value = place;
      this.sliceControl.output.textContent = this.data.slices[place].label;
      this.mark(null);
    }

    render() {
      const shown = this.data.slices[this.slice];
      const tall = Math.min(480, Math.max(320, window.innerHeight * 0.6));
      for (const picture of this.pictures) this.paint(picture, shown, tall, true);
      this.paintStrip(tall);
      this.paintBar();
      if (this.curve) this.paintCurve(shown);
    }

    paintStrip(tall) {
      const chosen = this.slice;
      for (const { canvas, button, place } of this.strip) {
        this.slice = place;
        const picture = { canvas, layer: this.data.images[0], withOverlay: false };
        this.paint(picture, this.data.slices[place], tall * 0.44, false);
        button.setAttribute("aria-pressed", String(place === chosen));
      }
      this.slice = chosen;
    }

    paint({ canvas, layer, withOverlay }, shown, tall, isLarge) {
      const { rows, columns, spacing_mm: [down, across], discs, outlines } = this.data;
      // Two pictures stand side by side on a phone, too.
      const room = (this.stage.clientWidth - 8) / (this.pictures.length > 1 ? 2 : 1);
      const scale = Math.min(tall / (rows * down), room / (columns * across));
      const [width, height] = [columns * across * scale, rows * down * scale];
      const sharp = window.devicePixelRatio || 1;
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      canvas.width = Math.round(width * sharp);
      canvas.height = Math.round(height * sharp);
      const plane = new ImageData(columns, rows);
      const overlay = withOverlay && this.overlay >= 0 ? this.data.overlays[this.overlay] : null;
      const [black, white] = this.window;
      for (let row = 0; row < rows; row += 1) {
        for (let column = 0; column < columns; column += 1) {
          const value = (this.value(layer, row, column) - black) / Math.max(white - black, 0.01);
          const grey = Math.round(255 * Math.min(Math.max(value, 0), 1));
          let colour = [grey, grey, grey];
          if (overlay) {
            const share = Math.min(overlay.pixels[this.at(row, column)] / 255 / this.top, 1);
            const alpha = this.opacity * Math.min(share / OPAQUE_FROM, 1);
            const place = 3 * Math.round(255 * share);
            const map = colourMaps[overlay.colours];
            colour = colour.map((under, channel) => under + alpha * (map[place + channel] - under));
          }
          plane.data.set([...colour, 255], 4 * (row * columns + column));
        }
      }
      const small = make("canvas", { width: columns, height: rows });
      small.getContext("2d").putImageData(plane, 0, 0);
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, canvas.width, canvas.height);
      const [x, y] = [canvas.width / columns, canvas.height / rows];
      context.lineWidth = Math.max(1, 1.5 * sharp);
      for (const place of this.outlines) this.outline(context, outlines[place], x, y, sharp);
      if (!isLarge) return;
      this.write(context, discs, x, y, sharp);
      canvas.setAttribute("aria-label", `${layer.name}, ${shown.label}. ${shown.summary}`);
    }

    outline(context, { bit, colour, dashed }, x, y, sharp) {
      const { rows, columns } = this.data;
      const inside = (row, column) => row >= 0 && row < rows && column >= 0 && column < columns
        && (this.masks[this.at(row, column)] & bit) !== 0;
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
    }

    // Directions, discs, a scale bar and the marked place.
    write(context, discs, x, y, sharp) {
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
      ink("S", canvas.width / 2, 9 * sharp, "center");
      ink("I", canvas.width / 2, canvas.height - 9 * sharp, "center");
      ink("A", 4 * sharp, canvas.height / 2, "left");
      ink("P", canvas.width - 4 * sharp, canvas.height / 2, "right");
      for (const { name, row, column } of discs) {
        const [left, top] = [(column + 0.5) * x, (row + 0.5) * y];
        if (top < 18 * sharp || top > canvas.height - 24 * sharp) continue;
        context.lineWidth = 1.5 * sharp;
        context.strokeStyle = "#ffffff";
        context.beginPath();
        context.moveTo(left - 3 * sharp, top);
        context.lineTo(left + 3 * sharp, top);
        context.stroke();
        ink(name, Math.max(left - 6 * sharp, 34 * sharp), top, "right");
      }
      const length = (10 / this.data.spacing_mm[1]) * x;
      context.lineWidth = 3 * sharp;
      context.strokeStyle = "#ffffff";
      context.beginPath();
      context.moveTo(6 * sharp, canvas.height - 8 * sharp);
      context.lineTo(6 * sharp + length, canvas.height - 8 * sharp);
      context.stroke();
      ink("10 mm", 6 * sharp, canvas.height - 18 * sharp, "left");
      if (this.marked) {
        const [left, top] = [(this.marked.column + 0.5) * x, (this.marked.row + 0.5) * y];
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
      }
    }

    paintBar() {
      const layer = this.overlay >= 0 ? this.data.overlays[this.overlay] : null;
      if (!layer) return this.bar.replaceChildren();
      const map = colourMaps[layer.colours];
      const stops = Array.from({ length: 17 }, (_, step) => {
        const place = 3 * Math.min(255, step * 16);
        return `rgb(${map[place]},${map[place + 1]},${map[place + 2]})`;
      });
      const colours = make("span", { class: "colours" });
      colours.style.background = `linear-gradient(to right, ${stops.join(",")})`;
      const top = layer.from + this.top * (layer.to - layer.from);
      return this.bar.replaceChildren(digits(layer.from), colours, `${digits(top)} ${layer.unit}`);
    }

    paintCurve(shown) {
      const { canvas } = this.pictures[0];
      // Beside the pictures where there is room, else below them.
      const used = this.pictures.reduce((sum, one) => sum + Number.parseFloat(one.canvas.style.width) + 17, 0);
      const beside = this.stage.clientWidth - used;
      const width = Math.min(320, beside >= 200 ? beside : this.stage.clientWidth);
      const height = Number.parseFloat(canvas.style.height);
      const [left, right, top, bottom] = [64, 10, 8, 40];
      this.curve.setAttribute("viewBox", `0 0 ${width} ${height}`);
      this.curve.setAttribute("width", width);
      this.curve.setAttribute("height", height);
      const { curve } = shown;
      if (!curve) {
        this.scale = null;
        this.curve.setAttribute("aria-label", `No anomaly curve: ${shown.summary}`);
        return this.curve.replaceChildren(draw("text", { x: 8, y: 24 }, "too little cord to score"));
      }
      const length = Math.max(curve.position_mm.at(-1), ...curve.segments.map((segment) => segment.to_mm));
      const step = rounded(this.data.curve_top / 2);
      const highest = 2 * step;
      const across = (value) => left + (value / highest) * (width - left - right);
      const down = (mm) => top + (mm / length) * (height - top - bottom);
      this.scale = { across, down, length, height: height - top - bottom, top };
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
      for (const value of [0, step, highest]) {
        const anchor = value === 0 ? "start" : value === highest ? "end" : "middle";
        nodes.push(draw("text", { x: across(value), y: height - bottom + 16, "text-anchor": anchor }, digits(value)));
      }
      const middle = (left + width - right) / 2;
      nodes.push(draw("text", { x: middle, y: height - 6, "text-anchor": "middle" }, shared.curve_unit));
      if (curve.threshold !== null && curve.threshold <= highest) {
        const x = across(curve.threshold);
        nodes.push(draw("line", { class: "threshold", x1: x, x2: x, y1: top, y2: height - bottom }));
      }
      // The line ends where a stretch of the cord is not scored.
      const path = curve.position_mm.map((mm, place) => {
        const gap = place === 0 || mm - curve.position_mm[place - 1] > 3;
        return `${gap ? "M" : "L"}${across(Math.min(curve.value[place], highest)).toFixed(1)} ${down(mm).toFixed(1)}`;
      });
      nodes.push(draw("path", { class: "line", d: path.join("") }));
      if (this.marked?.place !== undefined) {
        const y = down(curve.position_mm[this.marked.place]);
        nodes.push(draw("line", { class: "cursor", x1: left, x2: width - right, y1: y, y2: y }));
      }
      this.curve.setAttribute("aria-label", `Anomaly along the cord, ${shown.label}. ${shown.summary}`);
      return this.curve.replaceChildren(...nodes);
    }

    // Marks a place of the slice, and says what is there.
    mark(place) {
      this.marked = place;
      this.readout.textContent = place ? this.words(place) : "";
      this.render();
    }

    words({ row, column, place }) {
      const { data } = this;
      const pixel = [Math.round(row), Math.round(column)];
      const parts = [];
      const { curve } = data.slices[this.slice];
      if (place !== undefined) {
        const mm = curve.position_mm[place];
        const segment = curve.segments.find(({ from_mm: from, to_mm: to }) => from <= mm && mm <= to);
        parts.push(`${segment ? `${segment.name}, ` : ""}${mm.toFixed(0)} mm along the cord: ${digits(curve.value[place])}`);
      }
      if (pixel[0] >= 0 && pixel[0] < data.rows && pixel[1] >= 0 && pixel[1] < data.columns) {
        for (const layer of [...data.images, ...data.overlays]) {
          parts.push(`${layer.name} ${digits(this.value(layer, ...pixel))}`);
        }
      }
      return parts.join(" · ");
    }

    point(canvas, event) {
      const { rows, columns, slices } = this.data;
      const row = (event.offsetY / canvas.clientHeight) * rows - 0.5;
      const column = (event.offsetX / canvas.clientWidth) * columns - 0.5;
      const { curve } = slices[this.slice];
      const place = curve ? this.nearest(curve.row, row) : undefined;
      this.mark({ row, column, place });
    }

    nearest(values, wanted) {
      let best;
      values.forEach((value, place) => {
        if (best === undefined || Math.abs(value - wanted) < Math.abs(values[best] - wanted)) best = place;
      });
      return best;
    }

    follow(event) {
      const { curve } = this.data.slices[this.slice];
      if (!curve || !this.scale) return;
      const box = this.curve.getBoundingClientRect();
      const mm = ((event.clientY - box.top - this.scale.top) / this.scale.height) * this.scale.length;
      this.markCurve(this.nearest(curve.position_mm, mm));
    }

    markCurve(place) {
      const { curve } = this.data.slices[this.slice];
      this.mark({ row: curve.row[place], column: curve.column[place], place });
    }

    step(event) {
      const move = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      const { curve } = this.data.slices[this.slice];
      if (!move || !curve) return this.key(event);
      event.preventDefault();
      const last = curve.position_mm.length - 1;
      return this.markCurve(Math.min(Math.max((this.marked?.place ?? 0) + move, 0), last));
    }

    key(event) {
      const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (move) {
        event.preventDefault();
        this.choose(Math.min(Math.max(this.slice + move, 0), this.data.slices.length - 1));
      } else if (event.key === "o" && this.overlayChoice) {
        this.overlay = this.overlay < 0 ? 0 : -1;
        this.overlayChoice.value = this.overlay;
        this.render();
      }
    }
  }

  // Viewers open when they come near the window, and all of them before printing.
  const waiting = new Map();
  // The subject that a link led to stays in view while the pictures above it take their room.
  let wanted = null;
  const lead = () => {
    wanted = location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
  };
  lead();
  window.addEventListener("hashchange", lead);
  for (const act of ["wheel", "touchstart", "pointerdown", "keydown"]) {
    window.addEventListener(act, () => { wanted = null; }, { passive: true });
  }
  const open = (section) => {
    if (!waiting.has(section)) {
      waiting.set(section, new Viewer(section).open().catch((error) => {
        section.querySelector(".viewer").textContent = `This subject cannot be shown: ${error.message}`;
      }).then(() => wanted?.scrollIntoView()));
    }
    return waiting.get(section);
  };
  const sections = [...document.querySelectorAll("section.panel")].filter((section) => section.querySelector("script"));
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) open(entry.target);
  }, { rootMargin: "600px" });
  for (const section of sections) near.observe(section);
  window.openAllViewers = () => Promise.all(sections.map(open));
  window.addEventListener("beforeprint", () => { window.openAllViewers(); });
  for (const button of document.querySelectorAll("button.print")) {
    button.hidden = false;
    button.addEventListener("click", async () => { await window.openAllViewers(); window.print(); });
  }
})();
