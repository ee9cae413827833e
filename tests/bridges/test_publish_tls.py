# SPDX-License-Identifier: Apache-2.0
"""vshm publish rtsps:// to a server whose certificate is of an authority of the test's own."""

from pathlib import Path

import pytest
from certificates import certificates
from far_sides import PICTURES, free_port, into, packets, picture_hashes, rtsp_server, wait_for_begin, whole_size
from filmed import filmed
from hosts.preloads import preloaded
from publishing import balance, publishing
from vshm import vshm

from vshm_ctypes.cli.publish import refusal, trust


def test_a_server_of_an_authority_that_is_trusted_gets_whole_pictures(ring: str, tmp_path: Path) -> None:
    port, file, made = free_port(), tmp_path / "recorded.ts", certificates(tmp_path / "tls")
    pipeline = f"{PICTURES['h264']} ! mpegtsmux ! {into(file)}"
    server = rtsp_server(port, pipeline, "me", "s3cret", certificate=made.certificate, key=made.key)
    with server, filmed(ring):
        with publishing(ring, "--ca", str(made.authority), f"rtsps://me:s3cret@localhost:{port}/live") as bridge:
            wait_for_begin(file)
            bridge.wait_for_sent(bridge.stream()["sent"] + 70)
            assert bridge.end() == 0
        balance(bridge.stream())
        whole_size(file)
    assert packets(file)[0].key
    assert len(picture_hashes(file)) >= 50


@pytest.mark.parametrize(("wrong", "told"), [("authority", "failed verification"), ("name", "does not match")])
def test_a_server_that_is_not_who_it_says_gets_nothing(wrong: str, told: str, ring: str, tmp_path: Path) -> None:
    if not refusal._clock_is_set():
        pytest.skip("this machine's clock is not synchronised: timedatectl")
    port = free_port()
    made = certificates(tmp_path / "tls", "DNS:elsewhere.test" if wrong == "name" else "DNS:localhost")
    trusted = certificates(tmp_path / "other").authority if wrong == "authority" else made.authority
    server = rtsp_server(port, f"{PICTURES['h264']} ! fakesink", certificate=made.certificate, key=made.key)
    words = (ring, "--ca", str(trusted), f"rtsps://me:s3cret@localhost:{port}/live")
    with server, filmed(ring), publishing(*words) as bridge:
        bridge.wait(lambda: bridge.process.poll() == 1 or bridge.stream()["sent"] > 0, "it ends, or sends")
        bridge.end()
    assert told in bridge.said and "it would say so again" in bridge.said and "s3cret" not in bridge.said
    assert bridge.stream()["sent"] == 0


def test_a_clock_that_is_not_set_yet_ends_nothing(ring: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A board without a battery for its clock starts in the past, where no certificate is valid yet."""
    port, made, in_the_past = free_port(), certificates(tmp_path / "tls"), tmp_path / "in the past"
    in_the_past.write_text("as long as there is something in here")
    monkeypatch.setenv("LD_PRELOAD", str(preloaded("stepping_clock.c", "-DSTEP_S=-1500000000")))
    monkeypatch.setenv("STEP_WHEN", str(in_the_past))
    server = rtsp_server(port, f"{PICTURES['h264']} ! fakesink", certificate=made.certificate, key=made.key)
    with filmed(ring), publishing(ring, "--ca", str(made.authority), f"rtsps://localhost:{port}/live") as bridge:
        monkeypatch.delenv("LD_PRELOAD")
        with server:
            bridge.wait(lambda: "as this machine's clock, not set so far, says" in bridge.said, "it says so")
            in_the_past.write_text("")
            bridge.wait_for_sent(10)
            assert bridge.end() == 0


@pytest.mark.parametrize(("there", "final"), [([], True), (["timesync"], False), (["timesync/synchronized"], True)])
def test_a_clock_whose_synchronisation_is_awaited_judges_nothing(
    there: list[str], final: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as that of a board which begins with the date of its image."""
    for name in there:
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(refusal, "TIMESYNC", tmp_path / "timesync")
    error = OSError(5, "Input/output error")
    error.log = (16, "tls", "Peer's certificate failed verification")  # type: ignore[attr-defined]
    assert refusal.is_final(error) is final
    assert ("not set so far" in refusal.why(error)) is not final


def test_without_a_file_the_authorities_of_the_system_are_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = certificates(tmp_path).authority
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setattr(trust, "SYSTEM", (str(tmp_path / "none"), str(system)))
    assert trust.trusting(None) == {"tls_verify": "1", "ca_file": str(system)}
    monkeypatch.setattr(trust, "SYSTEM", ())
    with pytest.raises(OSError, match="apt install ca-certificates"):
        trust.trusting(None)


def test_a_file_that_can_not_be_trusted_is_refused_at_once(ring: str, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for words, told in (
        (["--ca", str(tmp_path / "empty"), "rtsps://h/live"], "it holds no certificate in PEM"),
        (["--ca", str(tmp_path / "none"), "rtsps://h/live"], "No such file"),
        (["--ca", str(tmp_path / "empty"), "rtsp://h/live"], "--ca is for rtsps:// only"),
    ):
        outcome = vshm("publish", ring, *words)
        assert outcome.code in (1, 2) and told in outcome.err, outcome.err
