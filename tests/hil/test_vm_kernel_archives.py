# SPDX-License-Identifier: Apache-2.0
"""Which of Debian's kernels is meant by a version, from what apt prints of its archives, with stand-ins for apt."""

from pathlib import Path

import pytest
from processes import stand_in

from hil.vm import VmUnavailable, find_kernel, kernel_packages
from hil.vm import kernel_archives as archives_module
from hil.vm.kernel_archives import Offer, chosen, mirrors_in, offers_in, source_lines
from hil.vm.kernel_files import NEEDED, is_meant, wanted_version
from hil.vm.kernel_packages import Apt

KERNELS = (
    ("6.1.0-50-amd64", " 6.1.176-1", "debian oldstable"),
    ("6.1.0-50-amd64", " 6.1.176-1", "debian-security oldstable-security"),
    ("6.1.0-54-amd64", " 6.1.190-1", "debian-security oldstable-security"),
    ("6.1.0-54-cloud-amd64", "6.1.190-1", "debian-security oldstable-security"),
    ("6.1.0-54-rt-amd64", "6.1.190-1", "debian-security oldstable-security"),
    ("6.12-amd64", "6.12.113-1~deb12u1", "debian-security oldstable-security"),
    ("6.12.94+deb13-amd64", "6.12.94-1", "debian stable"),
    ("6.12.113+deb13-amd64", "6.12.113-1", "debian-security stable-security"),
    ("6.12.113+deb13-amd64-unsigned", "6.12.113-1", "debian-security stable-security"),
    ("7.0.13+deb13-amd64", "7.0.13-1~bpo13+1", "debian stable-backports"),
    ("7.2.9+deb13-amd64", "7.2.9-1~bpo13+1", "debian stable-backports"),
    ("7.2.11+deb13-amd64", "7.2.11-1~bpo13+1", "debian stable-backports"),
    ("7.2.11+deb13-arm64", "7.2.11-1~bpo13+1", "debian stable-backports"),
)
# As apt-cache madison prints them.
TABLE = "".join(
    f"linux-image-{release} | {version} | http://mirror.example/{place}/main amd64 Packages\n"
    for release, version, place in KERNELS
)


@pytest.mark.parametrize(
    ("words", "image"),
    [
        ("6.1", "linux-image-6.1.0-54-amd64"),
        ("6.1.x", "linux-image-6.1.0-54-amd64"),
        ("6.1.176", "linux-image-6.1.0-50-amd64"),
        ("6.1.0-50", "linux-image-6.1.0-50-amd64"),
        ("6.1.0-50-amd64", "linux-image-6.1.0-50-amd64"),
        ("6.12", "linux-image-6.12.113+deb13-amd64"),
        ("6.12.94", "linux-image-6.12.94+deb13-amd64"),
        ("6", "linux-image-6.12.113+deb13-amd64"),
        ("7.x", "linux-image-7.2.11+deb13-amd64"),
        ("7.0", "linux-image-7.0.13+deb13-amd64"),
        ("7.2.9+deb13-amd64", "linux-image-7.2.9+deb13-amd64"),
    ],
)
def test_the_newest_kernel_that_is_meant_is_chosen(words: str, image: str) -> None:
    assert chosen(offers_in(TABLE, "amd64"), wanted_version(words)).image == image


@pytest.mark.parametrize("words", ["6.2", "8.x", "6.1.17", "6.1.0-5", "7.2.1"])
def test_what_there_is_not_is_answered_with_the_newest_of_each_series(words: str) -> None:
    told = r"no Linux .*: 7.2.11 \(stable-backports\), 7.0.13 \(.*\), 6.12.113 \(.*\), 6.1.190 \(oldstable-security\)$"
    with pytest.raises(VmUnavailable, match=told.replace(": 7", ".* 7")):
        chosen(offers_in(TABLE, "amd64"), wanted_version(words))


@pytest.mark.parametrize("words", ["", "newest", "-1", "6.1; reboot", "../6.1", "6.1 amd64"])
def test_what_is_no_version_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match=r"--kernel .*: like 6\.12, 7\.x"):
        wanted_version(words)


def test_only_plain_kernels_of_the_processor_are_offered() -> None:
    assert [offer.release for offer in offers_in(TABLE, "arm64")] == ["7.2.11+deb13-arm64"]
    plain = offers_in(TABLE, "amd64")
    assert len(plain) == 8
    assert not any(word in offer.image for offer in plain for word in ("cloud", "-rt-", "unsigned", "arm64"))
    assert offers_in("N: Unable to locate package\n|\n\n", "amd64") == []


def test_a_version_means_whole_numbers() -> None:
    assert is_meant("6.1", "6.1.0-50-amd64") and is_meant("", "anything")
    assert not is_meant("6.1", "6.12.94+deb13-amd64") and not is_meant("6x1", "6.1")


def test_the_mirrors_of_this_machine_are_used() -> None:
    targets = "Debian|Debian|http://mirror.example/debian/\nUbuntu|Ubuntu|http://other.example/\n\n"
    own = mirrors_in(f"{targets}Debian|Debian|http://second.example/\nDebian|Debian-Security|http://safe.example/d\n")
    assert own == {"Debian": "http://mirror.example/debian", "Debian-Security": "http://safe.example/d"}
    lines = list(source_lines(own, "arm64"))
    assert len(lines) == 6
    assert all("arch=arm64 signed-by=/usr/share/keyrings/" in line for line in lines)
    assert "http://mirror.example/debian stable-backports main" in lines[3]
    assert [line.split()[-2] for line in lines if "safe" in line] == ["oldstable-security", "stable-security"]
    assert mirrors_in("Ubuntu|Ubuntu|http://other.example/") == {}


RELEASE = "7.2.11+deb13-amd64"


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for Debian's programs, with archives of kernels in parts, as from 6.19 on. They tell their calls."""
    folder, told = tmp_path / "programs", tmp_path / "calls"
    folder.mkdir()
    (tmp_path / "table").write_text(TABLE)
    modules = "\n".join(f"kernel/{name}.ko:" for name in NEEDED)
    says = f'echo "$(basename $0) $*" >>{told}\nfor word; do case $word in -o*) shift ;; *) break ;; esac; done\n'
    scripts = {
        "apt-get": """case $1 in
            indextargets) echo 'Debian|Debian|http://mirror.example/debian' ;;
            download) shift; for each; do : >"${each%%=*}_1_amd64.deb"; done ;; esac""",
        "apt-cache": f"""case $1 in
            search) sed 's/ .*/ - Linux/' {tmp_path}/table ;;
            madison) cat {tmp_path}/table ;;
            depends) release=${{2#linux-image-}}
                echo "$2"; echo " |Depends: dracut"; echo "  Depends: linux-base-$release"
                case $release in 7*)
                    for part in binary modules; do echo "  Depends: linux-$part-$release"; done ;; esac
        esac""",
        "dpkg": """case $1 in
            --print-architecture) echo amd64 ;;
            -x) release=$(basename "$2" _1_amd64.deb); release=${release#linux-*-}; mkdir -p "$3/boot" "$3/usr/lib"
                modules=$3/usr/lib/modules/$release
                case $2 in
                    *linux-image-6*) mkdir -p "$modules"; : >"$3/boot/vmlinuz-$release" ;;
                    *linux-binary-*) mkdir -p "$modules"; : >"$modules/vmlinuz" ;;
                    *linux-modules-*) mkdir -p "$modules/kernel" ;; esac ;; esac""",
        "depmod": f'echo "{modules}" >"$2/lib/modules/$3/modules.dep"',
    }
    for name, script in scripts.items():
        stand_in(folder / name, says + script)
    monkeypatch.setattr(kernel_packages, "search_path", lambda: f"{folder}:/usr/bin:/bin")
    keys = tmp_path / "keys.gpg"
    keys.touch()
    monkeypatch.setattr(archives_module, "KEYRING", keys)
    return tmp_path


def calls(folder: Path, words: str) -> list[str]:
    return [line for line in (folder / "calls").read_text().splitlines() if words in line]


def test_a_kernel_that_is_asked_for_is_fetched_once_with_all_its_parts(debian: Path) -> None:
    cache, said = debian / "cache", list[str]()
    kernel = find_kernel(said.append, cache, debian / "nothing", "7")
    assert (kernel.version, kernel.image.is_file(), kernel.lacks) == (RELEASE, True, frozenset())
    [download] = calls(debian, "download")
    version = "7.2.11-1~bpo13+1"
    wanted = [f"linux-{part}-{RELEASE}={version}" for part in ("image", "base", "binary", "modules")]
    assert download.split()[-4:] == wanted
    assert "-oDir::Etc::sourceparts=/dev/null" in download
    assert said[-1] == f"fetching linux-image-{RELEASE} from stable-backports, once; it is kept in {cache}"
    assert find_kernel(said.append, cache, debian / "nothing", "7.2") == kernel
    assert len(calls(debian, "download")) == len(calls(debian, "update")) == 1


def test_what_is_booted_without_being_asked_for_stays_the_same(debian: Path) -> None:
    cache = debian / "cache"
    kept = find_kernel(cache=cache, root=debian / "nothing", version="7")
    stand_in(debian / "programs" / "apt-cache", "echo '  Depends: linux-image-6.1.0-54-amd64'")
    assert find_kernel(cache=cache, root=debian / "nothing").version == "6.1.0-54-amd64"
    assert find_kernel(cache=cache, root=debian / "nothing", version="7") == kept
    assert find_kernel(cache=cache, root=debian / "nothing", version="6.1").version == "6.1.0-54-amd64"


def test_a_version_that_the_name_does_not_tell_is_not_fetched_twice(debian: Path) -> None:
    for _ in range(2):
        kernel = find_kernel(cache=debian / "cache", root=debian / "nothing", version="6.1.176")
        assert kernel.version == "6.1.0-50-amd64"
    assert len(calls(debian, "download")) == 1


def test_without_keys_or_archives_it_is_said_what_to_do(debian: Path) -> None:
    apt = debian / "programs" / "apt-get"
    kept = apt.read_text()
    stand_in(apt, "echo 'Ubuntu|Ubuntu|http://other.example'")
    with pytest.raises(VmUnavailable, match="apt knows no mirror of Debian here"):
        find_kernel(cache=debian / "cache", root=debian / "nothing", version="7")
    apt.write_text(kept)
    (debian / "table").write_text("")
    with pytest.raises(VmUnavailable, match=r"no kernel of amd64 in Debian's archives: can its mirror be reached\?"):
        find_kernel(cache=debian / "cache", root=debian / "nothing", version="7")
    (debian / "keys.gpg").unlink()
    with pytest.raises(VmUnavailable, match="apt-get install debian-archive-keyring"):
        find_kernel(cache=debian / "cache", root=debian / "nothing", version="7")


def test_a_package_of_one_part_is_taken_as_it_is(debian: Path) -> None:
    assert (debian / "calls").exists() is False
    assert Apt().parts_of("linux-image-6.1.0-54-amd64") == ["linux-image-6.1.0-54-amd64", "linux-base-6.1.0-54-amd64"]
    assert Offer("linux-image-6.1.0-54-amd64", "1:6.1.190-1", "").upstream == "6.1.190"
