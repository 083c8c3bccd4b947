"""A tour through the first notebook, or through all pages of the site, in a real browser, by its WebDriver.

Usage: tour.py NOTEBOOKS FOLDER
       tour.py --site SITE FOLDER

The first starts JupyterLab on the folder NOTEBOOKS, opens its first notebook in a headless Chromium, runs all cells, presses the stop
button while a cell trains, goes on with the next cell, and lets one fail. The second opens every page from its file, as wide as a
desk and as a phone. Screenshots go to FOLDER.
"""

import base64
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

NOTEBOOK = "01-hello-world.ipynb"
TOKEN = "tour"
PATIENCE = 15 * 60  # seconds
LONG = (
    "let long = Trainer::default().updates(1_000_000).train(&mut network, &task)?;\n"
    'println!("{:?}", long.stop);'
)
PANEL = "window.jupyterapp.shell.currentWidget"


class Browser:
    """A session of the WebDriver; `more` are options of Chromium's."""

    def __init__(self, port, **more):
        self.url = f"http://127.0.0.1:{port}/session"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1300,1100"]
        options = {"binary": chromium(), "args": arguments, **more}
        session = self.call("POST", "", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}})
        self.url += "/" + session["sessionId"]

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            sys.exit(f"the browser refuses {method} {path}: {error.read().decode()}")

    def go(self, url):
        self.call("POST", "/url", {"url": url})

    def script(self, code):
        return self.call("POST", "/execute/sync", {"script": code, "args": []})

    def click(self, selector):
        element = self.call("POST", "/element", {"using": "css selector", "value": selector})
        self.call("POST", f"/element/{next(iter(element.values()))}/click", {})

    def shoot(self, path, element=None, tell=True):
        """Of the window, or of an element of the page."""
        of = f"/element/{next(iter(element.values()))}" if element else ""
        path.write_bytes(base64.b64decode(self.call("GET", of + "/screenshot")))
        if tell:
            print(f"  screenshot: {path}", flush=True)

    def wait(self, what, code):
        """Waits until a script gives something that is true, and gives that."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if value := self.script(code):
                return value
            time.sleep(0.3)
        sys.exit(f"waited in vain: {what}")

    def wait_idle(self):
        self.wait("the kernel is idle", f"return {PANEL}?.context?.sessionContext?.session?.kernel?.status === 'idle'")


def chromium():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(url):
    for _ in range(300):
        try:
            return urllib.request.urlopen(url, timeout=5).read()
        except OSError:
            time.sleep(0.2)
    sys.exit(f"there is nobody at {url}")


def outputs(browser):
    """The outputs of each code cell."""
    return browser.script(
        f"return {PANEL}.content.widgets.filter(c => c.model.type === 'code').map(c => c.model.outputs.toJSON())"
    )


def text(cell):
    """The text of a cell's outputs."""
    parts = []
    for output in cell:
        parts.append(output.get("text", "") or output.get("data", {}).get("text/plain", "") or output.get("evalue", ""))
    return "".join("".join(part) for part in parts)


def add_and_run(browser, code):
    """Adds a cell at the end and starts it."""
    browser.script(
        f"const panel = {PANEL}, app = window.jupyterapp, notebook = panel.content;"
        "notebook.activeCellIndex = notebook.widgets.length - 1;"
        "return app.commands.execute('notebook:insert-cell-below').then(() => {"
        f"  notebook.activeCell.model.sharedModel.setSource({json.dumps(code)});"
        "  app.commands.execute('notebook:run-cell');"
        "  notebook.activeCell.node.scrollIntoView();"
        "});"
    )


def check(holds, what):
    print(f"  {'✓' if holds else '✗'} {what}", flush=True)
    if not holds:
        sys.exit(f"this must hold: {what}")


def tour(browser, lab, folder):
    browser.go(f"{lab}/lab/tree/{NOTEBOOK}?token={TOKEN}&reset")
    browser.wait("the notebook is open", f"return !!({PANEL}?.content?.widgets?.length > 1)")
    browser.wait_idle()
    browser.shoot(folder / "1-opened.png")

    browser.script("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    browser.wait(
        "all cells have run",
        f"return {PANEL}.content.widgets.filter(c => c.model.type === 'code').every(c => c.model.executionCount > 0)",
    )
    browser.wait_idle()
    browser.shoot(folder / "2-all-cells.png")
    cells = outputs(browser)
    check(all(output["output_type"] != "error" for cell in cells for output in cell), "no cell failed")
    pictures = [output for cell in cells for output in cell if "image/png" in output.get("data", {})]
    check(len(pictures) == 3, "the loss, a trial and a curve are pictures")
    accuracy = float(re.search(r"[01]\.?\d*", text(cells[2])).group())
    check(accuracy > 0.9, f"the network is right in {accuracy:.3f} of trials")
    for name, index in (("3-loss.png", 3), ("4-trial.png", 7)):
        browser.script(f"{PANEL}.content.widgets.at({index}).node.scrollIntoView()")
        time.sleep(1)
        browser.shoot(folder / name)
    # The cell that README and site show, as wide as a column of theirs.
    browser.call("POST", "/window/rect", {"width": 1060, "height": 1100})
    browser.script(f"{PANEL}.content.activeCellIndex = 0; {PANEL}.content.widgets.at(3).node.scrollIntoView()")
    time.sleep(1)
    browser.shoot(folder / "cell.png", browser.script(f"return {PANEL}.content.widgets.at(3).node"))
    browser.call("POST", "/window/rect", {"width": 1300, "height": 1100})

    add_and_run(browser, LONG)
    last = f"{PANEL}.content.widgets.at(-1).model"
    browser.wait("the training shows itself", f"return JSON.stringify({last}.outputs.toJSON()).includes('trials/s')")
    time.sleep(2)
    browser.shoot(folder / "5-training.png")
    lines = browser.script(f"return {last}.outputs.length")
    check(lines == 1, "progress stays in its place")
    browser.click("[data-command='notebook:interrupt-kernel'], [data-jp-item-name='interrupt'] button, [data-jp-item-name='interrupt'] jp-button")
    browser.wait("the training ends", f"return {last}.executionCount > 0")
    browser.wait_idle()
    time.sleep(1)
    browser.shoot(folder / "6-stopped.png")
    check("Interrupted" in text(outputs(browser)[-1]), "the stop button ends the training, and the cell goes on")

    add_and_run(browser, 'println!("{}", long.updates > 0 && training.updates > 0);')
    browser.wait("the next cell ends", f"return {last}.executionCount > 0")
    browser.wait_idle()
    check(text(outputs(browser)[-1]).strip() == "true", "the variables live on")

    add_and_run(browser, "let empty: Vec<f64> = Vec::new();\nempty[3]")
    browser.wait("the cell fails", f"return {last}.outputs.length > 0")
    browser.wait_idle()
    time.sleep(1)
    browser.shoot(folder / "7-failed.png")
    failed = outputs(browser)[-1]
    check(any(output["output_type"] == "error" for output in failed), "a panic is a failed cell")
    check("index out of bounds" in text(failed), "its message is shown")


# What is wrong with a page: it is wider than the window, a picture is missing, or it asks for something from elsewhere.
WRONG = """
const page = document.documentElement, wrong = [];
if (page.scrollWidth > WIDTH) wrong.push(`is ${page.scrollWidth} pixels wide, of which ${WIDTH} are seen`);
for (const image of document.images) if (image.complete && !image.naturalWidth) wrong.push(`lacks the picture ${image.src}`);
for (const { name } of performance.getEntriesByType("resource"))
  if (!/^(file|data|blob):/.test(name)) wrong.push(`asks for ${name}`);
return wrong;
"""


def tour_of_site(port, site, folder):
    """Opens all pages but those of the Rust reference, at two widths."""
    phone = {"mobileEmulation": {"deviceMetrics": {"width": 390, "height": 844, "pixelRatio": 1, "touch": True}}}
    pages = [page for page in sorted(site.rglob("*.html")) if page.relative_to(site).parts[0] != "rust"]
    wrong = []
    for name, width, options in (("desk", 1300, {}), ("phone", 390, phone)):
        browser = Browser(port, **options)
        for page in pages:
            browser.go(page.as_uri())
            shown = page.relative_to(site).with_suffix("")
            wrong += [f"{shown} ({name}) {what}" for what in browser.script(f"const WIDTH = {width};{WRONG}")]
            browser.shoot(folder / f"{'-'.join(shown.parts)}-{name}.png", tell=False)
        browser.go((site / "search.html").as_uri() + "?q=network")
        browser.wait("the search finds pages", "return document.querySelectorAll('#search-results li').length > 0")
        browser.call("DELETE", "")
    print(f"  {len(pages)} pages were opened: {folder}")
    if wrong:
        sys.exit("\n".join(wrong))


def main(notebooks, folder):
    folder.mkdir(parents=True, exist_ok=True)
    port, driver_port = free_port(), free_port()
    lab, driver = f"http://127.0.0.1:{port}", shutil.which("chromedriver")
    arguments = ["--no-browser", f"--port={port}", "--allow-root", f"--IdentityProvider.token={TOKEN}"]
    arguments += ["--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={notebooks}"]
    log = open(folder / "jupyterlab.log", "w", encoding="utf-8")
    server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *arguments], stdout=log, stderr=log)
    driver = subprocess.Popen([driver, f"--port={driver_port}"], stdout=log, stderr=log)
    try:
        wait_for(f"{lab}/api?token={TOKEN}")
        wait_for(f"http://127.0.0.1:{driver_port}/status")
        browser = Browser(driver_port)
        try:
            tour(browser, lab, folder)
        finally:
            browser.shoot(folder / "last.png")
            browser.call("DELETE", "")
    finally:
        driver.terminate()
        server.terminate()
        server.wait(30)


def main_of_site(site, folder):
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    driver = subprocess.Popen([shutil.which("chromedriver"), f"--port={port}"], stdout=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/status")
        tour_of_site(port, site, folder)
    finally:
        driver.terminate()


if __name__ == "__main__":
    if sys.argv[1] == "--site":
        main_of_site(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
    else:
        main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
