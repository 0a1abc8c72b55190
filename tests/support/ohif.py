"""The real OHIF on a port of its own, and what it has on screen."""

import re
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

from playwright.sync_api import Error

from support.browser import CHROMIUM, FLAGS
from support.installation import ROOT, free_port, wait_for_port

DRAWING = [
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]
"""WebGL without a graphics card."""
ONLY_HERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
RENDERED = """
window.rendered = 0;
document.addEventListener("CORNERSTONE_IMAGE_RENDERED", () => rendered++, true);
"""
_ON_SCREEN = """() => {
    if (!window.rendered) return null;
    const {viewportGridService: grid, cornerstoneViewportService: viewports} = window.services;
    return [...grid.getState().viewports.keys()].map(
        (id) => viewports.getCornerstoneViewport(id)?.getCurrentImageId() ?? "");
}"""


@contextmanager
def ohif(orthanc, port: int = 0):
    """The viewer's web server in front of a tests' Orthanc with DICOMweb and a password; its address."""
    port = port or free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "preview.demo.viewer.server", "--port", str(port)),
            *("--archive", orthanc.http, "--password-file", str(orthanc.password_file)),
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def drawing_browser(playwright):
    """A Chromium that draws images; nothing but this machine has an address in it."""
    flags = [flag for flag in FLAGS if flag != "--disable-gpu"]
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*flags, *DRAWING, ONLY_HERE])


def shown(page, enough=any, seconds: float = 60) -> list[str]:
    """The SOP Instance UID in each viewport, as soon as an image is drawn and ``enough`` says so of them.

    Headless, frames come only when a picture is asked for.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(Error):  # a picture may fail; the next one draws as well
            page.screenshot(type="jpeg", quality=10, timeout=5000)
        images = page.evaluate(_ON_SCREEN)
        if images is not None and enough(uids := [_instance(image) for image in images]):
            return uids
        page.wait_for_timeout(250)
    raise AssertionError(f"{page.url}: {page.inner_text('body')[:300]!r}")


def watched(browser):
    """A page of a browser or a context that counts what is drawn, from its first moment."""
    page = browser.new_page()
    page.add_init_script(RENDERED)
    return page


def _instance(image_id: str) -> str:
    found = re.search(r"/instances/([0-9.]+)", image_id)
    return found[1] if found else ""
