# SPDX-License-Identifier: Apache-2.0
"""Checks that a page fits into common window sizes."""

from browser import ChromiumPage

SIZES = ((1280, 800), (1920, 1080), (390, 844), (320, 640))
# What reaches beyond the window's right or left edge, unless something around it scrolls or hides that.
WIDE = """
    const clips = (one) => one !== document.body && one !== document.documentElement
        && getComputedStyle(one).overflowX !== "visible";
    const around = (one) => { for (let at = one.parentElement; at; at = at.parentElement) if (clips(at)) return true; };
    const root = document.documentElement, width = root.clientWidth;
    const beyond = ({left, right}) => right > width + 1 || left < -1;
    const found = [...document.body.querySelectorAll("*")].filter((one) => one.checkVisibility()
        && one.getClientRects().length && beyond(one.getBoundingClientRect()) && !around(one));
    const told = found.map((one) => `${one.tagName.toLowerCase()} ${one.id || one.getAttribute("class") || ""}`);
    return root.scrollWidth > width ? [`the page: ${root.scrollWidth} of ${width}`, ...told] : told;"""


def overflowing(page: ChromiumPage) -> dict[str, list[str]]:
    """Return, by window size, the elements that are too wide; {} if everything fits."""
    found = {}
    for width, height in SIZES:
        page.size(width, height)
        if wide := page.driver.execute_script(WIDE):
            found[f"{width}x{height} {page.driver.current_url.rpartition('#')[2]}"] = wide
    return found
