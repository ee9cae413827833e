# SPDX-License-Identifier: Apache-2.0
"""Which kernel the virtual machine boots, on made-up file systems and with stand-ins for Debian's programs."""

import os
from pathlib import Path

import pytest
from processes import stand_in

from hil.vm import VmUnavailable, find_kernel, kernel, kernel_for, kernel_packages, programs
from hil.vm.kernel_files import NEEDED, kernels_below

PACKAGE = "linux-image-6.1.0-56-amd64"
VERSION = "6.1.0-56-amd64"


def install(root: Path, version: str, without: str = "", built_in: str = "") -> None:
    """Create a kernel with its modules, as a distribution lays them out."""
    modules = root / "lib" / "modules" / version
    modules.mkdir(parents=True)
    names = NEEDED - {without, built_in}
    lines = [f"kernel/drivers/{name.replace('_', '-')}.ko.xz: kernel/other.ko.xz\n" for name in names]
    (modules / "modules.dep").write_text("".join(lines))
    (modules / "modules.builtin").write_text(f"kernel/drivers/{built_in}.ko\n" if built_in else "")
    (root / "boot").mkdir(exist_ok=True)
    (root / "boot" / f"vmlinuz-{version}").touch()


def test_the_newest_kernel_with_all_that_is_needed_comes_first(tmp_path: Path) -> None:
    for version in ("6.1.0-9", "6.1.0-56", "5.10.0-99"):
        install(tmp_path, version)
    install(tmp_path, "6.12.0", without="vivid")
    install(tmp_path, "6.13.0")
    (tmp_path / "boot" / "vmlinuz-6.13.0").unlink()
    assert [kernel.version for kernel in kernels_below(tmp_path)] == ["6.1.0-56", "6.1.0-9", "5.10.0-99"]
    assert find_kernel(cache=tmp_path / "cache", root=tmp_path).version == "6.1.0-56"


def test_what_is_built_in_is_not_missed(tmp_path: Path) -> None:
    install(tmp_path, "6.1.0", built_in="virtio_pci")
    assert [kernel.version for kernel in kernels_below(tmp_path)] == ["6.1.0"]


def test_the_running_kernel_is_preferred(tmp_path: Path) -> None:
    install(tmp_path, "999.0")
    install(tmp_path, os.uname().release)
    assert find_kernel(cache=tmp_path / "cache", root=tmp_path).version == os.uname().release


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for Debian's programs; dpkg -x unpacks a kernel like theirs. They write down their calls."""
    programs = tmp_path / "programs"
    programs.mkdir()
    modules = "\n".join(f"kernel/{name}.ko:" for name in NEEDED)
    scripts = {
        "dpkg": f"""case $1 in
            --print-architecture) echo amd64 ;;
            -x) mkdir -p "$3/boot" "$3/usr/lib/modules/{VERSION}"; : >"$3/boot/vmlinuz-{VERSION}" ;; esac""",
        "apt-cache": f"echo linux-image-amd64; echo '  Depends: {PACKAGE}'",
        "apt-get": f': >"{PACKAGE}_6.1_amd64.deb"',
        "depmod": f'echo "{modules}" >"$2/lib/modules/$3/modules.dep"',
    }
    for name, script in scripts.items():
        path = programs / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{tmp_path}/calls"\n{script}\n')
        path.chmod(0o755)
    monkeypatch.setattr(kernel_packages, "search_path", lambda: f"{programs}:/usr/bin:/bin")
    return programs


def calls(folder: Path) -> str:
    return (folder / "calls").read_text()


@pytest.mark.usefixtures("debian")
def test_debians_kernel_is_fetched_once_and_kept(tmp_path: Path) -> None:
    cache, said = tmp_path / "cache", list[str]()
    first = find_kernel(said.append, cache, tmp_path / "nothing")
    assert (first.version, first.image.is_file(), first.lacks) == (VERSION, True, frozenset())
    assert first.image.is_relative_to(cache)
    assert PACKAGE in said[0]
    assert calls(tmp_path).count("apt-get download") == 1
    assert find_kernel(said.append, cache, tmp_path / "nothing") == first
    assert calls(tmp_path).count("apt-get") == 1
    assert len(said) == 1
    assert sorted(path.name for path in cache.iterdir()) == ["kernels", "lock"]


def test_a_kernel_without_vivid_is_not_kept(tmp_path: Path, debian: Path) -> None:
    (debian / "depmod").write_text(f"#!/bin/sh\n: >$2/lib/modules/{VERSION}/modules.dep\n")
    with pytest.raises(VmUnavailable, match=r"has no .*vivid.*: install a kernel that has"):
        find_kernel(cache=tmp_path / "cache", root=tmp_path / "nothing")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["lock"]


def test_a_download_that_fails_says_what_to_do(tmp_path: Path, debian: Path) -> None:
    (debian / "apt-get").write_text("#!/bin/sh\necho 'E: Unable to locate package' >&2\nexit 100\n")
    with pytest.raises(VmUnavailable, match=r"Unable to locate package.*apt-get update"):
        find_kernel(cache=tmp_path / "cache", root=tmp_path / "nothing")
    (debian / "apt-cache").write_text("#!/bin/sh\n")
    with pytest.raises(VmUnavailable, match=r"apt knows no package.*apt-get update"):
        find_kernel(cache=tmp_path / "cache", root=tmp_path / "nothing")
    (debian / "dpkg").write_text("#!/bin/sh\necho sparc\n")
    with pytest.raises(VmUnavailable, match=r"sparc: install a kernel with vivid"):
        find_kernel(cache=tmp_path / "cache", root=tmp_path / "nothing")


def test_without_debians_programs_each_is_named(tmp_path: Path, debian: Path) -> None:
    for name in ("apt-get", "depmod"):
        (debian / name).unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel_packages, "search_path", lambda: str(debian))
        with pytest.raises(VmUnavailable, match=r"not installed: apt-get, depmod: apt-get install apt kmod"):
            find_kernel(cache=tmp_path / "cache", root=tmp_path / "nothing")


@pytest.mark.usefixtures("debian")
@pytest.mark.parametrize("version", ["", "6.12"])
def test_all_that_is_missing_is_named_before_a_kernel_is_fetched(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, cache = tmp_path / "path", tmp_path / "home" / "video-shm"
    path.mkdir()
    monkeypatch.setattr(programs, "search_path", lambda: str(path))
    monkeypatch.setattr(
        kernel, "kernels_below", lambda folder: kernels_below(tmp_path if folder == Path("/") else folder)
    )
    monkeypatch.setattr(kernel, "KEYRING", tmp_path / "keys.gpg")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parent))
    asked = ".*keys.gpg.* debian-archive-keyring" if version else ""
    with pytest.raises(VmUnavailable, match=rf"busybox.*modprobe.*depmod{asked}.*qemu-system.*; vng is not installed"):
        kernel_for(None, version=version)
    assert not (tmp_path / "calls").exists()
    install(tmp_path, "6.12.0")
    for name in (*(emulator for emulator, _ in programs.EMULATORS.values()), "busybox", "file", "modprobe", "vng"):
        stand_in(path / name, "")
    assert kernel_for(None, version=version).version == "6.12.0"  # which needs nothing of Debian's
