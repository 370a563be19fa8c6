// Tables that can be sorted by a click on a heading, filtered by words and scrolled by keyboard.
(() => {
  // Only what is wider than its place is a stop of the Tab key, and says that there is more beside it.
  const hint = (place) => {
    let words = place.previousElementSibling;
    if (!words?.classList.contains("sideways")) {
      words = document.createElement("p");
      words.className = "sideways";
      words.textContent = "Scroll sideways to see all of it →";
      place.before(words);
    }
    return words;
  };
  const edges = (place) => {
    const rest = place.scrollWidth - place.clientWidth - place.scrollLeft;
    place.classList.toggle("before", place.scrollLeft > 1);
    place.classList.toggle("after", rest > 1);
  };
  const reach = (place) => {
    edges(place);
    if (place.scrollWidth <= place.clientWidth) {
      place.removeAttribute("tabindex");
      if (place.dataset.reached) hint(place).hidden = true;
      return;
    }
    place.dataset.reached = "true";
    hint(place).hidden = false;
    place.tabIndex = 0;
    place.setAttribute("role", "group");
    const name = place.querySelector("caption")?.textContent ?? place.querySelector("img")?.alt ?? "Table";
    place.setAttribute("aria-label", name);
  };
  const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => reach(target)));
  for (const place of document.querySelectorAll(".scroll")) {
    sizes.observe(place);
    place.addEventListener("scroll", () => edges(place), { passive: true });
  }

  const valueOf = (cell) => {
    const text = cell.dataset.value ?? cell.textContent.trim();
    const number = Number.parseFloat(text);
    return { text, number: Number.isNaN(number) ? null : number };
  };

  // Missing numbers come last whichever way a column is sorted.
  const compare = (a, b, isNumeric, direction) => {
    if (!isNumeric) return direction * a.text.localeCompare(b.text, "en", { numeric: true });
    if (a.number === null || b.number === null) return (a.number === null) - (b.number === null);
    return direction * (a.number - b.number);
  };

  const sortBy = (table, heading) => {
    const column = heading.cellIndex;
    const direction = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const body = table.tBodies[0];
    const isNumeric = heading.classList.contains("number");
    const rows = [...body.rows].map((row) => ({ row, value: valueOf(row.cells[column]) }));
    rows.sort((a, b) => compare(a.value, b.value, isNumeric, direction));
    body.append(...rows.map(({ row }) => row));
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    for (const heading of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.title = "sort by this column";
      button.append(...heading.childNodes);
      button.addEventListener("click", () => sortBy(table, heading));
      heading.append(button);
    }
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 5) continue;
    const bar = document.createElement("p");
    bar.className = "filter";
    const label = document.createElement("label");
    const input = document.createElement("input");
    const count = document.createElement("span");
    input.type = "search";
    label.append("Filter the rows: ", input);
    count.setAttribute("aria-live", "polite");
    bar.append(label, count);
    table.closest(".scroll").before(bar);
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += row.hidden ? 0 : 1;
      }
      count.textContent = words.length === 0 ? "" : `${shown} of ${rows.length} rows`;
    });
  }
})();
