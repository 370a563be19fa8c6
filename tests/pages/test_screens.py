"""The pages on a phone, and viewers in the frames of a notebook."""

import unittest

from browser import BOTH, PHONE, Reader, write_view


class Screens(Reader):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_view("study.html", 4, "view-finding.html")
        write_view("qc.html", 4, "view-subject.html")

    def test_nothing_moves_when_a_place_is_marked(self):
        with self.browser.page("study.html") as page:
            panel, picture, slider, _ = self.panel(page, 4)
            before = slider.bounding_box()
            box = picture.bounding_box()
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            self.assertEqual(slider.bounding_box(), before)

    def test_a_tap_shows_values_and_they_stay(self):
        with self.browser.page("study.html", size=PHONE, is_mobile=True, has_touch=True) as page:
            panel, picture, _, readout = self.panel(page, 4)
            self.assertIn("Tap the image or the curve", readout.text_content())
            picture.tap()
            page.wait_for_timeout(300)
            self.assertIn("Image", readout.text_content())
            curve = panel.locator(".stage svg")
            curve.tap()
            page.wait_for_timeout(300)
            self.assertIn("mm along the cord", readout.text_content())
            self.assertEqual(curve.locator(".cursor").count(), 1)
            # Seen without scrolling to it.
            box = readout.bounding_box()
            self.assertLessEqual(box["y"] + box["height"], PHONE["height"])

    def test_what_is_wider_than_a_phone_says_so(self):
        with self.browser.page("study.html", size=PHONE, is_mobile=True, has_touch=True) as page:
            hints = page.locator(".sideways:visible")
            self.assertGreater(hints.count(), 2)
            chart = page.locator(".chart .scroll").first
            self.assertGreater(chart.locator("img").bounding_box()["width"], 600)
            self.assertIn("after", chart.get_attribute("class"))
            chart.evaluate("chart => chart.scrollTo(9999, 0)")
            page.wait_for_timeout(200)
            self.assertNotIn("after", chart.get_attribute("class"))
            method = page.locator("th.fact").first.bounding_box()
            self.assertLess(method["width"], PHONE["width"] / 2.5)
        with self.browser.page("study.html") as page:
            self.assertEqual(page.locator(".chart").locator("..").locator(".sideways:visible").count(), 0)

    def test_a_phone_needs_no_scrolling_sideways(self):
        for name in BOTH:
            with self.browser.page(name, size=PHONE, is_mobile=True, has_touch=True) as page:
                width = page.evaluate("document.scrollingElement.scrollWidth")
                self.assertLessEqual(width, PHONE["width"], name)
                for picture in page.locator("canvas").all():
                    box = picture.bounding_box()
                    self.assertLessEqual(box["x"] + box["width"], PHONE["width"], name)

    def test_the_scale_of_a_narrow_picture_overprints_nothing(self):
        # Every text with the box that it takes on its canvas.
        listen = """() => {
          window.written = [];
          const write = CanvasRenderingContext2D.prototype.fillText;
          CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
            const wide = this.measureText(text).width;
            const left = x - wide * { left: 0, center: 0.5, right: 1 }[this.textAlign];
            const half = 5 * window.devicePixelRatio;
            window.written.push({ text, left, right: left + wide, top: y - half, bottom: y + half });
            return write.call(this, text, x, y);
          };
        }"""
        for size in [PHONE, {"width": 320, "height": 640}]:
            with self.browser.page("study.html", size=size) as page:
                _, _, slider, _ = self.panel(page, 4)
                page.evaluate(listen)
                slider.press("ArrowRight")
                page.wait_for_timeout(300)
                written = page.evaluate("window.written")
                places = [place for place, text in enumerate(written) if text["text"] == "10 mm"]
                self.assertGreater(len(places), 0)
                # Each picture begins with its directions and ends with its scale.
                for end in places:
                    begin = max(place for place in range(end) if written[place]["text"] == "S")
                    scale = written[end]
                    for other in written[begin:end]:
                        apart = other["right"] < scale["left"] or other["left"] > scale["right"]
                        apart = apart or other["bottom"] < scale["top"] or other["top"] > scale["bottom"]
                        self.assertTrue(apart, f"{other} and {scale}, {size['width']} pixels")

    def test_a_frame_in_a_notebook_has_its_theme_and_no_scrollbar(self):
        for name in ["view-finding.html", "view-subject.html"]:
            with self.browser.page(name, size={"width": 1300, "height": 900}, opened=False) as page:
                frame = page.frames[1]
                frame.locator("canvas").first.wait_for()
                page.wait_for_timeout(300)
                sizes = "[document.scrollingElement.scrollHeight, window.innerHeight]"
                content, height = frame.evaluate(sizes)
                self.assertLessEqual(content, height, name)
                self.assertLess(height, 850, name)
                self.assertFalse(page.get_by_text("trust this notebook").is_visible(), name)
                ground = "getComputedStyle(document.body).backgroundColor"
                light = frame.evaluate(ground)
                self.assertEqual(light, "rgb(255, 255, 255)")
                page.evaluate("document.body.dataset.jpThemeLight = 'false'")
                page.wait_for_timeout(200)
                self.assertNotEqual(frame.evaluate(ground), light, name)
                page.evaluate("document.body.dataset.jpThemeLight = 'true'")
                page.wait_for_timeout(200)
                self.assertEqual(frame.evaluate(ground), light, name)
                for colours in [False, True]:
                    page.evaluate("light => { document.body.dataset.jpThemeLight = light }", not colours)
                    page.wait_for_timeout(200)
                    self.keep(f"{name}-{'dark' if colours else 'light'}.png", page.screenshot(full_page=True))

    def test_a_notebook_that_is_not_trusted_says_where_the_viewer_is(self):
        with self.browser.page("view-finding.html", opened=False) as page:
            # What JupyterLab's sanitiser leaves of it.
            page.evaluate("document.querySelector('iframe').remove(), document.querySelector('p').style.display = ''")
            self.assertTrue(page.get_by_text("trust this notebook").is_visible())


if __name__ == "__main__":
    unittest.main()
