// One viewer per subject: slices with overlays and outlines, and the anomaly curve beside them.

// Between the parts of a viewer, and the least width of its controls beside the pictures.
const GAP = 16;
const CONTROLS = 300;

class Viewer {
  constructor(section) {
    this.section = section;
    this.data = JSON.parse(section.querySelector("script").textContent);
    this.slice = this.data.first;
    this.window = [0, this.data.white_from];
    this.opacity = 0.7;
    this.overlay = this.data.overlays.length > 0 ? 0 : -1;
    this.lastOverlay = this.overlay;
    this.top = 1;
    this.outlines = new Set();
    this.data.outlines.forEach((outline, place) => outline.shown && this.outlines.add(place));
    this.marked = null;
  }

  async open() {
    await decodeAll(this.data);
    this.build();
    this.mark(null);
    let width = this.box.clientWidth;
    new ResizeObserver(() => {
      if (this.box.clientWidth === width) return;
      width = this.box.clientWidth;
      this.render();
    }).observe(this.box);
  }

  build() {
    const { data } = this;
    this.stage = make("div", { class: "stage" });
    this.pictures = data.images.map((layer, place) => {
      const canvas = make("canvas", { tabIndex: 0 });
      canvas.setAttribute("role", "img");
      const caption = place === 0 && data.overlays.length > 0 ? `${layer.name} with overlay` : layer.name;
      this.stage.append(make("figure", {}, canvas, make("figcaption", {}, caption)));
      this.listen(canvas, (event) => this.point(canvas, event));
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
      this.listen(this.curve, (event) => this.follow(event));
      this.curve.addEventListener("keydown", (event) => this.step(event));
    }
    this.readout = make("p", { class: "readout quiet" });
    const side = make("div", { class: "side" }, this.controls());
    const beside = this.section.querySelector(".beside > div:last-child");
    if (beside.childElementCount > 0) side.append(beside);
    this.box = this.section.querySelector(".viewer");
    this.box.replaceChildren(make("div", {}, this.stage, this.readout), side);
  }

  // A mouse shows the values of where it is; a tap shows them until the next one.
  listen(node, show) {
    node.addEventListener("pointerdown", show);
    node.addEventListener("pointermove", show);
    node.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") this.mark(null);
    });
  }

  // What to do, where no place is marked.
  hint() {
    const { data } = this;
    const where = this.curve ? "the image or the curve" : "the image";
    if (window.matchMedia("(pointer: coarse)").matches) return `Tap ${where} to see the values there.`;
    const keys = [];
    if (data.slices.length > 1) keys.push("← → slice");
    if (data.overlays.length > 0) keys.push("o overlay away and back");
    keys.push("+ − contrast");
    const walk = this.curve ? "; in the curve: ↑ ↓ along the cord" : "";
    return `Point at ${where} to see the values there. Keys in a picture that was clicked: ${keys.join(", ")}${walk}.`;
  }

  range(title, settings, shown, change) {
    const output = make("output", {}, shown(settings.value));
    const input = make("input", { type: "range", ...settings });
    input.value = settings.value;
    input.addEventListener("input", () => {
      change(Number(input.value));
      output.textContent = shown(Number(input.value));
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
      (place) => data.slices[place].label, (place) => { this.move(place); },
    );
    this.sliceControl.row.className = "slice";
    box.append(this.sliceControl.row);
    if (data.overlays.length > 0) {
      const choice = make("select", {});
      choice.append(make("option", { value: -1 }, "none"));
      data.overlays.forEach((layer, place) => choice.append(make("option", { value: place }, layer.name)));
      choice.value = this.overlay;
      choice.addEventListener("change", () => { this.lay(Number(choice.value)); });
      this.overlayChoice = choice;
      box.append(make("label", {}, make("span", {}, "Overlay"), choice));
      const percent = (value) => `${Math.round(value * 100)} %`;
      box.append(this.range("Opacity", { min: 0, max: 1, step: 0.05, value: this.opacity }, percent,
        (value) => { this.opacity = value; this.render(); }).row);
      box.append(this.range("Overlay range", { min: 0.05, max: 1, step: 0.05, value: this.top }, percent,
        (value) => { this.top = value; this.render(); }).row);
    }
    box.append(this.range("Black at", { min: 0, max: 0.95, step: 0.01, value: 0 }, share,
      (value) => { this.window[0] = value; this.render(); }).row);
    this.whiteControl = this.range("White at", { min: 0.05, max: 1, step: 0.01, value: this.window[1] }, share,
      (value) => { this.window[1] = value; this.render(); });
    box.append(this.whiteControl.row);
    this.bar = make("div", { class: "bar" });
    box.append(this.bar);
    if (data.outlines.length > 0) box.append(this.outlineChoice());
    return box;
  }

  outlineChoice() {
    const set = make("fieldset", {}, make("legend", {}, "Outlines"));
    this.data.outlines.forEach((outline, place) => {
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
    return set;
  }

  // Another slice; a marked place stays marked.
  move(place) {
    this.slice = place;
    if (this.marked) this.markPixel(this.marked.row, this.marked.column);
    else this.render();
  }

  choose(place) {
    this.sliceControl.input.value = place;
    this.sliceControl.output.textContent = this.data.slices[place].label;
    this.move(place);
  }

  lay(overlay) {
    if (overlay >= 0) this.lastOverlay = overlay;
    this.overlay = overlay;
    this.overlayChoice.value = overlay;
    this.render();
  }

  // Where the parts stand: controls beside the pictures where there is room, else below them.
  layOut() {
    const { data, pictures } = this;
    const isFramed = document.body.classList.contains("framed");
    const tall = isFramed ? 430 : Math.min(480, Math.max(320, window.innerHeight * 0.6));
    const total = this.box.clientWidth;
    const widest = data.columns * data.spacing_mm[1] * scaleOf(data, tall, Infinity);
    const taken = pictures.length * (widest + GAP);
    const beside = this.curve ? 240 : this.strip.length > 0 ? 260 : 0;
    const isWide = total >= taken + beside + GAP + CONTROLS;
    this.box.classList.toggle("wide", isWide);
    const [count, gaps] = [pictures.length, (pictures.length - 1) * GAP];
    // Two pictures stand side by side on a phone, too.
    const scale = scaleOf(data, tall, isWide ? widest : (total - gaps) / count);
    const used = count * data.columns * data.spacing_mm[1] * scale + count * GAP;
    const room = isWide ? total - GAP - CONTROLS : total;
    const left = room - used;
    const curve = Math.floor(Math.min(320, left >= 200 ? left : total));
    const first = isWide && this.curve ? `${Math.ceil(used + curve)}px` : "minmax(0, 1fr)";
    const second = isWide && this.curve ? "minmax(0, 1fr)" : "22rem";
    this.box.style.gridTemplateColumns = isWide ? `${first} ${second}` : "";
    return { tall, scale, curve };
  }

  render() {
    const { data } = this;
    // A viewer without a place is drawn when it has one.
    if (this.box.clientWidth === 0) return;
    const { tall, scale, curve } = this.layOut();
    const shown = data.slices[this.slice];
    const view = {
      slice: this.slice, opacity: this.opacity, top: this.top, window: this.window, outlines: this.outlines,
      marked: this.marked,
    };
    const overlay = this.overlay >= 0 ? data.overlays[this.overlay] : null;
    for (const { canvas, layer, withOverlay } of this.pictures) {
      paintSlice(canvas, data, { ...view, layer, overlay: withOverlay ? overlay : null, isLarge: true }, scale);
      canvas.setAttribute("aria-label", `${layer.name}, ${shown.label}. ${shown.summary}`);
    }
    const small = scaleOf(data, tall * 0.44, Infinity);
    for (const { canvas, button, place } of this.strip) {
      paintSlice(canvas, data, { ...view, slice: place, layer: data.images[0], overlay: null }, small);
      button.setAttribute("aria-pressed", String(place === this.slice));
    }
    this.bar.replaceChildren(...(overlay ? colourBar(overlay, this.top) : []));
    if (!this.curve) return;
    const height = Number.parseFloat(this.pictures[0].canvas.style.height);
    this.scale = drawCurve(this.curve, shown, data, this.marked, [curve, height]);
  }

  // Marks a place of the slice, and says what is there.
  mark(place) {
    this.marked = place;
    this.readout.textContent = place ? this.words(place) : this.hint();
    this.readout.classList.toggle("marked", place !== null);
    this.render();
  }

  words({ row, column, place }) {
    const { data } = this;
    const pixel = [Math.round(row), Math.round(column)];
    const parts = [];
    if (place !== undefined) {
      const { curve } = data.slices[this.slice];
      const mm = curve.position_mm[place];
      const segment = curve.segments.find(({ from_mm: from, to_mm: to }) => from <= mm && mm <= to);
      const value = digits(curve.value[place], data.curve_decimals);
      parts.push(`${segment ? `${segment.name}, ` : ""}${mm.toFixed(0)} mm along the cord: ${value}`);
    }
    if (pixel[0] >= 0 && pixel[0] < data.rows && pixel[1] >= 0 && pixel[1] < data.columns) {
      const at = pixelAt(data, this.slice, ...pixel);
      for (const layer of [...data.images, ...data.overlays]) {
        parts.push(`${layer.name} ${wordsAt(data, layer, at)}`);
      }
    }
    return parts.join(" · ");
  }

  point(canvas, event) {
    const { rows, columns } = this.data;
    const row = (event.offsetY / canvas.clientHeight) * rows - 0.5;
    const column = (event.offsetX / canvas.clientWidth) * columns - 0.5;
    this.markPixel(row, column);
  }

  markPixel(row, column) {
    const { curve } = this.data.slices[this.slice];
    // A value of the curve is one of whole pixels.
    const place = curve
      ? pointOf(curve, this.data.spacing_mm, Math.round(row), Math.round(column)) : undefined;
    this.mark({ row, column, place });
  }

  follow(event) {
    const { curve } = this.data.slices[this.slice];
    if (!curve || !this.scale) return;
    const box = this.curve.getBoundingClientRect();
    this.markCurve(nearest(curve.row, (row) => Math.abs(this.scale.downOf(row) - (event.clientY - box.top))));
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
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    // As in the shell: the window of intensities gets narrower or wider.
    const wider = { "+": 0.8, "=": 0.8, "-": 1.25, "−": 1.25 }[event.key];
    if (move) {
      event.preventDefault();
      this.choose(Math.min(Math.max(this.slice + move, 0), this.data.slices.length - 1));
    } else if (wider) {
      const { input, output } = this.whiteControl;
      input.value = this.window[0] + wider * (this.window[1] - this.window[0]);
      this.window[1] = Number(input.value);
      output.textContent = digits(this.window[1]);
      this.render();
    } else if (event.key === "o" && this.overlayChoice) {
      this.lay(this.overlay < 0 ? this.lastOverlay : -1);
    }
  }
}
