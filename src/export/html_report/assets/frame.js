// What a viewer's frame does when it is loaded: the notebook's theme goes in, the viewer's height comes out.
((frame) => {
  frame.u2ad?.abort();
  frame.u2ad = new AbortController();
  const { signal } = frame.u2ad;
  const { body } = document;
  const tell = () => {
    if (!frame.isConnected) return frame.u2ad.abort();
    const theme = { true: "light", false: "dark" }[body.dataset.jpThemeLight];
    return frame.contentWindow.postMessage({ u2ad: "theme", theme }, "*");
  };
  window.addEventListener("message", ({ source, data }) => {
    if (!frame.isConnected) frame.u2ad.abort();
    else if (source === frame.contentWindow && data?.u2ad === "height" && data.pixels > 0) {
      frame.style.height = `${Math.min(data.pixels, 4000)}px`;
    }
  }, { signal });
  const themes = new MutationObserver(tell);
  themes.observe(body, { attributeFilter: ["data-jp-theme-light"] });
  signal.addEventListener("abort", () => themes.disconnect());
  if (frame.nextElementSibling) frame.nextElementSibling.style.display = "none";
  tell();
})(this);
