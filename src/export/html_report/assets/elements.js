// Elements of a page and numbers in words.
const SVG = "http://www.w3.org/2000/svg";

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

// Three digits at most, and no more decimals than a value has.
const digits = (value, decimals = 12) => {
  const held = Number(value.toFixed(decimals));
  return held === 0 ? "0" : Number(held.toPrecision(3)).toString();
};
