"""Background work lets the pages go first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHOW = (
    "import os; from preview.errands.yielding import yield_to_pages; yield_to_pages(); yield_to_pages();"
    "print(os.getpriority(os.PRIO_PROCESS, 0)); print(open('/proc/self/autogroup').read())"
)


SESSION = Path("/proc/self/autogroup").read_text().split() if Path("/proc/self/autogroup").exists() else []
"""Whose processor time this process shares, and its niceness; nothing where the kernel only has the file."""


def shown(**more) -> list[str]:
    ran = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, check=True, **more)
    return ran.stdout.split()


@pytest.mark.skipif(not SESSION, reason="here the processor is shared by niceness alone")
def test_a_process_with_a_session_of_its_own_lowers_the_session_too():
    niceness, *session = shown(start_new_session=True)
    assert (niceness, session[-1]) == ("10", "10")


@pytest.mark.skipif(not SESSION, reason="here the processor is shared by niceness alone")
def test_one_that_was_started_in_a_terminal_leaves_the_rest_of_it_alone():
    niceness, *session = shown()
    assert (niceness, session[-1]) == ("10", SESSION[-1])


def test_who_has_an_even_lower_priority_keeps_it():
    niceness = shown(preexec_fn=lambda: os.nice(15))[0]
    assert int(niceness) >= 15
