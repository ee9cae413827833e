# SPDX-License-Identifier: Apache-2.0
"""What people look at on the page of vshm serve does not move by itself."""

from browser import ChromiumPage
from serving import Server, camera


def test_nothing_moves_when_the_picture_comes(page: ChromiumPage, server: Server, ring: str) -> None:
    # The list of rings above it has those of other tests, too.
    place = """
        const {x, y, width, height} = document.getElementById('picture').getBoundingClientRect();
        return [x, y - document.querySelector('main').getBoundingClientRect().y, width, height];"""
    page.open(server.url(f"/#{ring}"))
    page.says("There is no such ring")
    before = page.driver.execute_script(place)
    with camera(ring):
        page.wait(lambda: page.shown > 0, "it plays")
        assert page.driver.execute_script(place) == before


def test_nothing_moves_when_the_first_ring_is_there(page: ChromiumPage, server: Server, ring: str) -> None:
    """Other tests have rings on this machine: the page is measured with one in its list, with none, and as short."""
    text = """
        const rings = document.getElementById('rings'), links = [...rings.children];
        const main = document.querySelector('main');
        const place = () => {
            const {x, y, width} = document.getElementById('stage').getBoundingClientRect();
            return [x, y, width];
        };
        rings.replaceChildren(links[0]);
        const places = [place()];
        rings.replaceChildren();
        places.push(place());
        for (const height of ['20vh', '300vh']) {
            main.style.cssText = `height: ${height}; overflow: clip`;
            places.push(place());
        }
        main.style.cssText = '';
        return [links.length, places];"""
    with camera(ring):
        page.open(server.url(f"/#{ring}"))
        page.wait(lambda: page.shown > 0 and ring[1:] in page.text("rings"), "it plays, and is listed")
        links, places = page.driver.execute_script(text)
    assert links > 0
    assert places == [places[0]] * 4
