"""Readers of the pages that `report` and `qc` write: they move through slices, point at curves, sort
tables, read in the dark, on a phone, by keyboard and on paper."""

import os
import re
import unittest
from importlib.resources import files

from browser import BOTH, DESKTOP, PHONE, Reader, pixel, pixels

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# The ratio of contrast of every text in SVG, which axe does not look at, with the colour behind it.
SVG_CONTRAST = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = numbers(colour).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (numbers(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll(".stage svg text")].map((text) => {
    const [one, two] = [luminance(getComputedStyle(text).fill), luminance(behind(text))];
    return [text.textContent, (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05)];
  });
}"""


class Pages(Reader):
    def test_pictures_are_drawn_when_they_come_into_view(self):
        for name in BOTH:
            with self.browser.page(name, opened=False) as page:
                last = page.locator("section.panel").last
                self.assertEqual(last.locator("canvas").count(), 0, name)
                last.scroll_into_view_if_needed()
                last.locator("canvas").first.wait_for()

    def test_the_slider_moves_the_slices(self):
        for name in BOTH:
            with self.browser.page(name) as page:
                _, picture, slider, _ = self.panel(page)
                slider.fill("0")
                first, label = pixels(picture), picture.get_attribute("aria-label")
                slider.press("ArrowRight")
                self.assertEqual(slider.input_value(), "1")
                self.assertNotEqual(pixels(picture), first, name)
                self.assertNotEqual(picture.get_attribute("aria-label"), label, name)
                shown = page.locator("section.panel").first.locator("output").first.text_content()
                self.assertIn(shown, picture.get_attribute("aria-label"))

    def test_keys_move_the_slices_and_hide_the_overlay(self):
        with self.browser.page("study.html") as page:
            _, picture, slider, _ = self.panel(page, 4)
            middle = int(slider.get_attribute("max")) // 2
            slider.fill(str(middle))
            chosen = pixels(picture)
            picture.focus()
            for _ in range(middle):
                page.keyboard.press("ArrowLeft")
            self.assertEqual(slider.input_value(), "0")
            page.keyboard.press("ArrowLeft")
            self.assertEqual(slider.input_value(), "0", "there is no slice before the first")
            for _ in range(middle):
                page.keyboard.press("ArrowRight")
            self.assertEqual(pixels(picture), chosen)
            page.keyboard.press("o")
            self.assertNotEqual(pixels(picture), chosen)
            page.keyboard.press("o")
            self.assertEqual(pixels(picture), chosen)

    def test_keys_change_the_contrast_and_keep_the_chosen_overlay(self):
        with self.browser.page("study.html") as page:
            panel, picture, _, readout = self.panel(page, 4)
            for key in ["← → slice", "o overlay", "+ − contrast", "↑ ↓"]:
                self.assertIn(key, readout.text_content())
            panel.get_by_role("combobox", name="Overlay").select_option("Variance")
            white = panel.get_by_label("White at")
            first, before = float(white.input_value()), pixels(picture)
            picture.focus()
            page.keyboard.press("+")
            self.assertLess(float(white.input_value()), first)
            self.assertNotEqual(pixels(picture), before)
            page.keyboard.press("-")
            self.assertAlmostEqual(float(white.input_value()), first, delta=0.02)
            page.keyboard.press("o")
            page.keyboard.press("o")
            chosen = panel.get_by_role("combobox", name="Overlay").evaluate("one => one.selectedOptions[0].text")
            self.assertEqual(chosen, "Variance")

    def test_every_control_changes_the_picture(self):
        with self.browser.page("study.html") as page:
            panel, picture, _, _ = self.panel(page, 4)
            for label, value in [
                ("Opacity", "0.1"), ("Overlay range", "0.3"), ("Black at", "0.3"), ("White at", "0.6"),
            ]:
                before = pixels(picture)
                panel.get_by_label(label, exact=False).fill(value)
                self.assertNotEqual(pixels(picture), before, label)
            before = pixels(picture)
            panel.get_by_role("combobox", name="Overlay").select_option("Variance")
            self.assertNotEqual(pixels(picture), before, "overlay")
            for name in ["cord", "region of interest", "fluid"]:
                before = pixels(picture)
                panel.get_by_label(name, exact=True).click()
                self.assertNotEqual(pixels(picture), before, name)

    def test_the_curve_and_the_picture_are_linked(self):
        with self.browser.page("study.html") as page:
            panel, picture, _, readout = self.panel(page, 4)
            curve = panel.locator(".stage svg")
            curve.scroll_into_view_if_needed()
            before = pixels(picture)
            box = curve.bounding_box()
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
            self.assertRegex(readout.text_content(), r"\d+ mm along the cord: [\d.]+ · Image [\d.]+")
            self.assertEqual(curve.locator(".cursor").count(), 1)
            self.assertNotEqual(pixels(picture), before)
            # The marked row runs through the picture in yellow, at the height that the curve says.
            share = float(curve.locator(".cursor").get_attribute("y1")) / box["height"]
            rows = [row / 400 for row in range(400) if pixel(picture, 0.02, row / 400)[:2] == [255, 255]]
            yellow = [row for row in rows if pixel(picture, 0.02, row)[2] < 160]
            self.assertTrue(yellow and max(yellow) - min(yellow) < 0.05, yellow)
            self.assertLess(abs(yellow[0] - share), 0.25)
            page.mouse.move(0, 0)
            self.assertIn("Point at the image or the curve", readout.text_content())
            self.assertEqual(pixels(picture), before)
            # And the other way round.
            place = picture.bounding_box()
            page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
            self.assertIn("Image", readout.text_content())
            self.assertEqual(curve.locator(".cursor").count(), 1)

    def test_no_pixel_exceeds_the_curve_beside_it(self):
        with self.browser.page("study.html") as page:
            panel, picture, _, readout = self.panel(page, 3)
            box = picture.bounding_box()
            compared = 0
            for row in range(3, 97, 3):
                for column in range(30, 72, 3):
                    page.mouse.move(box["x"] + box["width"] * column / 100, box["y"] + box["height"] * row / 100)
                    words = readout.text_content()
                    curve, anomaly = (re.search(f"{what} ([0-9.e-]+)", words) for what in ["cord:", "Anomaly"])
                    if anomaly and float(anomaly[1]) > 0:
                        self.assertTrue(curve is None or float(anomaly[1]) <= float(curve[1]), words)
                        compared += curve is not None
            self.assertGreater(compared, 5)

    def test_the_curve_is_walked_by_keys(self):
        with self.browser.page("study.html") as page:
            panel, _, _, readout = self.panel(page, 4)
            panel.locator(".stage svg").focus()
            places = []
            for _ in range(3):
                page.keyboard.press("ArrowDown")
                places.append(float(panel.locator(".cursor").get_attribute("y1")))
            self.assertEqual(places, sorted(set(places)))
            page.keyboard.press("ArrowUp")
            self.assertEqual(float(panel.locator(".cursor").get_attribute("y1")), places[1])
            self.assertIn("mm along the cord", readout.text_content())

    def test_the_strip_of_a_quality_page_chooses_slices(self):
        with self.browser.page("qc.html") as page:
            panel, picture, slider, _ = self.panel(page)
            buttons = panel.locator(".strip button")
            self.assertEqual(buttons.count(), int(slider.get_attribute("max")) + 1)
            before = pixels(picture)
            buttons.last.click()
            self.assertEqual(buttons.last.get_attribute("aria-pressed"), "true")
            self.assertEqual(panel.locator(".strip button[aria-pressed=true]").count(), 1)
            self.assertEqual(slider.input_value(), slider.get_attribute("max"))
            self.assertNotEqual(pixels(picture), before)

    def test_tables_sort(self):
        for name, heading in [("study.html", "AnaScore"), ("qc.html", "cord length")]:
            with self.browser.page(name) as page:
                table = page.locator("table.sortable")
                column = table.locator("thead th").filter(has_text=heading)
                place = column.evaluate("heading => heading.cellIndex")
                values = lambda: [
                    float(text)
                    for text in table.locator(f"tbody tr td:nth-child({place + 1})").all_text_contents()
                ]
                before = values()
                column.get_by_role("button").click()
                self.assertEqual(values(), sorted(before), name)
                self.assertEqual(column.get_attribute("aria-sort"), "ascending")
                column.get_by_role("button").press("Enter")
                self.assertEqual(values(), sorted(before, reverse=True), name)
                self.assertEqual(column.get_attribute("aria-sort"), "descending")
                names = table.locator("thead th").first
                names.get_by_role("button").click()
                self.assertEqual(table.locator("[aria-sort]").count(), 1)
                shown = table.locator("tbody tr td:first-child").all_text_contents()
                self.assertEqual(shown, sorted(shown))

    def test_tables_filter(self):
        for name in BOTH:
            with self.browser.page(name) as page:
                rows = page.locator("table.sortable tbody tr")
                box = page.get_by_label("Filter the rows")
                box.fill("CLINIC02")
                visible = [row for row in rows.all() if row.is_visible()]
                self.assertEqual(len(visible), 1, name)
                self.assertIn("sub-clinic02", visible[0].text_content())
                self.assertEqual(page.locator(".filter span").text_content(), f"1 of {rows.count()} rows")
                box.fill("nobody at all")
                self.assertFalse(any(row.is_visible() for row in rows.all()))
                box.fill("")
                self.assertTrue(all(row.is_visible() for row in rows.all()))

    def test_names_lead_to_subjects(self):
        for name in BOTH:
            with self.browser.page(name, opened=False) as page:
                page.locator("table.sortable").get_by_role("link").last.click()
                panel = page.locator("section.panel").last
                panel.locator("canvas").first.wait_for()
                page.wait_for_timeout(300)
                top = panel.evaluate("panel => panel.getBoundingClientRect().top")
                self.assertTrue(-10 <= top <= 450, f"{name}: the panel is at {top}")

    def test_every_page_is_accessible(self):
        for name in BOTH:
            for scheme in ["light", "dark"]:
                for size in [DESKTOP, PHONE]:
                    with self.browser.page(name, size=size, scheme=scheme) as page:
                        page.evaluate(AXE)
                        found = page.evaluate(
                            "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}})", WCAG
                        )
                        told = [
                            f"{rule['id']}: {rule['help']}: {node['html'][:120]}: {node['failureSummary']}"
                            for rule in found["violations"]
                            for node in rule["nodes"][:3]
                        ]
                        self.assertEqual(told, [], f"{name}, {scheme}, {size['width']} pixels")
                        checked = {rule["id"] for rule in found["passes"]}
                        self.assertIn("color-contrast", checked)
                        for text, ratio in page.evaluate(SVG_CONTRAST):
                            self.assertGreaterEqual(ratio, 4.5, f"{name}, {scheme}: {text}")

    def test_every_picture_has_words(self):
        for name in BOTH:
            with self.browser.page(name) as page:
                wordless = page.evaluate(
                    """() => [...document.querySelectorAll("img, canvas, svg")].filter((picture) => {
                      const words = picture.alt ?? picture.getAttribute("aria-label");
                      const within = picture.closest("button")?.textContent;
                      return !(words || within || picture.closest("[aria-hidden]"));
                    }).map((picture) => picture.outerHTML.slice(0, 100))"""
                )
                self.assertEqual(wordless, [], name)
                for picture in page.locator(".stage > figure canvas").all():
                    self.assertRegex(picture.get_attribute("aria-label"), r"^(Image|Recon|Med)\w*, slice \d+( \(voxel \d+\))?\. ")

    def test_a_page_prints_with_all_subjects(self):
        for name in BOTH:
            with self.browser.page(name, opened=False) as page:
                page.evaluate("window.print = () => { window.printed = true; }")
                page.get_by_role("button", name="Print").click()
                page.wait_for_function("window.printed")
                waiting = "[...document.images].filter((image) => !image.naturalWidth).length"
                self.assertEqual(page.evaluate(waiting), 0, f"{name}: charts that are not loaded")
                for panel in page.locator("section.panel").all():
                    self.assertGreater(panel.locator("canvas").count(), 0, name)
                page.emulate_media(media="print")
                for hidden in [".controls", ".filter", "nav", "button.print"]:
                    self.assertFalse(any(part.is_visible() for part in page.locator(hidden).all()), hidden)
                document = page.pdf(format="A4", print_background=False)
                self.assertTrue(document.startswith(b"%PDF-"))
                sheets = len(re.findall(rb"/Type\s*/Page\b", document))
                self.assertTrue(2 <= sheets <= 20, f"{name}: {sheets} sheets")
                self.keep(f"{name}.pdf", document)

    def test_without_scripts_the_words_and_tables_are_there(self):
        for name in BOTH:
            with self.browser.page(name, opened=False, java_script_enabled=False) as page:
                text = page.locator("body").inner_text()
                self.assertIn("drawn by JavaScript, which is off", text)
                self.assertIn("Trust HTML", text)
                self.assertIn("sub-clinic01", text)

    def test_screenshots(self):
        """Pictures to look at, in the folder SCREENSHOTS."""
        if "SCREENSHOTS" not in os.environ:
            self.skipTest("SCREENSHOTS names no folder")
        for name in BOTH:
            for scheme, size in [("light", DESKTOP), ("dark", DESKTOP), ("light", PHONE), ("dark", PHONE)]:
                with self.browser.page(name, size=size, scheme=scheme) as page:
                    picture = page.screenshot(full_page=True)
                    self.keep(f"{name}-{scheme}-{size['width']}.png", picture)


if __name__ == "__main__":
    unittest.main()
