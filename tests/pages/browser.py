"""The browser, and the pages under test in it."""

import hashlib
import html
import os
import pathlib
import re
import unittest
from contextlib import contextmanager

from playwright.sync_api import sync_playwright

PAGES = pathlib.Path(os.environ["PAGES"])
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
# The pages that readers open.
BOTH = ["study.html", "qc.html"]


SOURCES = pathlib.Path(__file__).parents[2] / "src" / "export" / "html_report"


def write_view(report, place, name):
    """Writes a page `name` that shows what `view` shows of a subject in the page `report`: the frame and the line
    beside it."""
    page = (PAGES / report).read_text()
    panel = re.findall(r'<section class="panel".*?</script></section>', page, re.S)[place]
    head, scripts = page[: page.index("<body>")], page[page.index('<script id="shared"') : page.rindex("</body>")]
    document = f'{head}<body class="framed"><main>{panel}</main>{scripts}</body></html>'
    act = (SOURCES / "assets" / "frame.js").read_text()
    line = re.search(r'NOT_SHOWN: &str = "(.*?)";', (SOURCES / "single_view.rs").read_text(), re.S)[1]
    frame = (
        f'<iframe title="viewer" sandbox="allow-scripts" style="width: 100%; height: 42em; border: 0" '
        f'srcdoc="{html.escape(document)}" onload="{html.escape(act)}"></iframe><p>{line}</p>'
    )
    (PAGES / name).write_text(f'<!DOCTYPE html><title>A notebook</title><body>{frame}</body>')


class Browser:
    """A headless Chromium for one test case."""

    def __init__(self):
        self.playwright = sync_playwright().start()
        # The sandbox of Chromium does not start for root, as in a container.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        self.chromium = self.playwright.chromium.launch(
            executable_path=os.environ["CHROMIUM"], args=arguments
        )

    def close(self):
        self.chromium.close()
        self.playwright.stop()

    @contextmanager
    def page(self, name, size=DESKTOP, scheme="light", opened=True, **options):
        """The page called `name`. When it closes, it must have complained about nothing and loaded
        nothing. `opened`: with the pictures of all subjects drawn."""
        context = self.chromium.new_context(viewport=size, color_scheme=scheme, **options)
        page = context.new_page()
        complaints, requests = [], []
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        address = (PAGES / name).as_uri()
        page.goto(address)
        if opened:
            page.evaluate("window.openAllViewers()")
        yield page
        context.close()
        assert complaints == [], complaints
        loaded = [url[:80] for url in requests if url != address and not url.startswith("data:")]
        assert loaded == [], loaded


class Reader(unittest.TestCase):
    """A test case with a browser."""

    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()

    def panel(self, page, place=0):
        """The panel of one subject: its first picture, its slider, its words about a marked place."""
        panel = page.locator("section.panel").nth(place)
        panel.scroll_into_view_if_needed()
        picture = panel.locator(".stage > figure canvas").first
        return panel, picture, panel.get_by_role("slider", name="Slice"), panel.locator(".readout")

    def keep(self, name, data):
        if "SCREENSHOTS" in os.environ:
            with open(os.path.join(os.environ["SCREENSHOTS"], name), "wb") as file:
                file.write(data)


def pixels(canvas):
    """A digest of what a canvas shows."""
    return hashlib.sha256(canvas.evaluate("canvas => canvas.toDataURL()").encode()).hexdigest()


def pixel(canvas, x, y):
    """The red, green and blue of a canvas at shares of its width and height."""
    return canvas.evaluate(
        """(canvas, [x, y]) => {
          const copy = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
          const left = Math.min(Math.floor(x * canvas.width), canvas.width - 1);
          const top = Math.min(Math.floor(y * canvas.height), canvas.height - 1);
          copy.drawImage(canvas, left, top, 1, 1, 0, 0, 1, 1);
          return [...copy.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }""",
        [x, y],
    )
