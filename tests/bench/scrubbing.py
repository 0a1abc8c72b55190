"""A CT of 400 slices in the preview: how long a step waits for its picture, at once and after a moment."""

import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from support.browser import launched
from support.orthanc import Orthanc

from bench.figures import figure
from bench.hospital import PATIENT, ct, fetched, running, site, until
from bench.visitor import Visitor

SLICES = 400
HELD = """() => {
    const known = new Set(performance.getEntriesByType("resource").map((one) => one.name));
    return [...document.querySelectorAll("#film img")].every((one) => known.has(one.src));
}"""
SCRUB = """async () => {
    const slider = document.getElementById("slider"), large = document.getElementById("large");
    const waits = [], began = performance.now();
    let frames = 0, on = true;
    const count = () => { frames += 1; if (on) requestAnimationFrame(count); };
    requestAnimationFrame(count);
    for (let at = 1; at <= Number(slider.max); at += 1) {
        slider.value = at;
        const asked = performance.now();
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        await large.decode();
        waits.push(performance.now() - asked);
        await new Promise(requestAnimationFrame);
    }
    on = false;
    return { waits, frames, seconds: (performance.now() - began) / 1000 };
}"""


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        Orthanc(Path(name) / "orthanc").running() as orthanc,
        sync_playwright() as playwright,
    ):
        orthanc.store(ct(SLICES, size=256))
        one = site(Path(name) / "site", orthanc.port, orthanc.aet)
        with running(one) as address:
            visitor = Visitor(one, address, PATIENT)
            (study,) = visitor.studies
            visitor.fetch(study)
            until(lambda: fetched(one), seconds=300)
            browser = launched(playwright)
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.set_default_timeout(120_000)
            page.add_init_script("performance.setResourceTimingBufferSize(2000)")  # it forgets all behind 250
            page.goto(address + one.launch(PATIENT))
            patient = page.url.split("?")[0]
            page.goto(f"{patient}/studies/{study}", wait_until="load")
            _scrub(page, "at once")
            _bring(page, f"{patient}/studies/{study}")
            _scrub(page, "once all are brought", goal=50)
            browser.close()


def _bring(page: Page, address: str) -> None:
    page.goto(address, wait_until="load")
    began = time.monotonic()
    page.wait_for_function(HELD, timeout=120_000)
    figure(f"all {SLICES} small pictures are brought ahead in", time.monotonic() - began)


def _scrub(page: Page, when: str, goal: float | None = None) -> None:
    page.locator("#slider").wait_for()
    seen = page.evaluate(SCRUB)
    waits = sorted(seen["waits"])
    print(f"  every slice from first to last, {when}: {len(waits)} steps in {seen['seconds']:.1f} s")
    figure("frames that the screen showed for a step", seen["frames"] / len(waits), "")
    figure("half of the steps wait less than", waits[len(waits) // 2], "ms")
    figure("99 of 100 steps wait less than", waits[int(0.99 * len(waits))], "ms", goal=goal)
    figure("the longest wait", waits[-1], "ms")


if __name__ == "__main__":
    main()
