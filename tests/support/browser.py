"""Debian's Chromium, headless, with nothing reaching out."""

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


def launched(playwright):
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
