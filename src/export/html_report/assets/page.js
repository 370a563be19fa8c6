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

// A frame of a notebook says which theme the notebook has, and hears how high the viewer is (see frame.js).
if (document.body.classList.contains("framed") && window.parent !== window) {
  const dark = document.getElementById("dark");
  const system = dark.media;
  const main = document.querySelector("main");
  const tell = () => window.parent.postMessage({ u2ad: "height", pixels: Math.ceil(main.offsetHeight) }, "*");
  window.addEventListener("message", ({ source, data }) => {
    if (source !== window.parent || data?.u2ad !== "theme") return;
    const scheme = { dark: "screen", light: "not all" }[data.theme];
    dark.media = scheme ?? system;
    document.documentElement.style.colorScheme = scheme ? data.theme : "";
    tell();
  });
  new ResizeObserver(tell).observe(main);
}
