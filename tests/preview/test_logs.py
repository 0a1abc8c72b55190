"""Logs of real processes: of an exception that nobody caught its kind and place, never its words."""

import re
import subprocess
import sys

import pytest
from support.installation import ROOT

THREAD = """
def fail():
    raise ValueError("NAME^PATIENT")
thread = threading.Thread(target=fail, name="NAME^PATIENT")
thread.start()
thread.join()
"""
UNRAISABLE = """
class Study:
    def __repr__(self):
        return "NAME^PATIENT"
    def __del__(self):
        raise ValueError("NAME^PATIENT")
del (study := Study())
""".replace("del (study := Study())", "study = Study()\ndel study")
PROCESS = """
def fail():
    try:
        raise KeyError("NAME^PATIENT")
    except KeyError:
        raise ValueError("NAME^PATIENT")
fail()
"""
LOG = """
class Study:
    def __str__(self):
        raise ValueError("NAME^PATIENT")
logging.getLogger("x").warning("%s %s", "NAME^PATIENT", Study())
"""


def said(script: str) -> str:
    """What a process with our logs prints that does this."""
    begin = "import logging, threading\nfrom preview import logs\nlogs.configure()\n"
    ran = subprocess.run(
        [sys.executable, "-c", begin + script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("script", "what"),
    [
        (THREAD, r"ERROR preview.logs a thread ended: ValueError at .*<string>:\d+ fail"),
        (UNRAISABLE, r"ERROR preview.logs ignored: ValueError at .*<string>:\d+ __del__ in a function"),
        (PROCESS, r"CRITICAL preview.logs the process ends: ValueError at .*<string>:\d+ fail"),
        (LOG, r"<string>:\d+ a line of the log is lost \(ValueError\)"),
    ],
    ids=["thread", "unraisable", "process", "log"],
)
def test_of_what_nobody_caught_the_log_has_the_kind_and_the_place_and_no_words(script, what):
    printed = said(script)
    assert re.search(what, printed), printed
    assert "NAME" not in printed
    assert "Traceback" not in printed


def test_a_thread_that_ends_itself_and_ctrl_c_are_no_faults():
    assert said("threading.Thread(target=exit).start()") == ""
    printed = said("raise KeyboardInterrupt")
    assert "KeyboardInterrupt" in printed
    assert "the process ends" not in printed
