# SPDX-License-Identifier: Apache-2.0
"""All that hil compiles is compiled with one header: that of its own tree."""

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from writers import BUILD, ROOT

import hil.workers.c_sources
from hil.bench.in_c import InC
from hil.blocks.block import build_worker
from hil.workers.c_sources import include_folder
from hil.workers.programs import find_program


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of another header, which a wheel has brought and no program can be compiled with."""
    header = tmp_path / "installed" / "include" / "video_shm.h"
    header.parent.mkdir(parents=True)
    header.write_text("#error another header\n")
    spec = ModuleSpec("vshm_ctypes", None)
    spec.submodule_search_locations = [str(header.parent.parent)]
    monkeypatch.setattr(hil.workers.c_sources, "find_spec", lambda _name: spec)
    monkeypatch.setenv("VIDEO_SHM_PROGRAMS", str(tmp_path / "programs"))
    return header.parent


def test_a_tree_s_own_header_is_used_beside_an_installed_one(installed: Path, tmp_path: Path) -> None:
    assert include_folder() == ROOT / "lib" / "include"
    assert build_worker(tmp_path).exists()
    assert find_program("burner", BUILD / "libvideo_shm.so").exists()
    assert find_program("ring_writer", BUILD / "libvideo_shm.so").exists()
    (tmp_path / "bench").mkdir()
    InC(tmp_path / "bench")


def test_an_installed_package_has_the_header_that_it_brought(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hil.workers.c_sources, "LIB", installed / "nothing")
    assert include_folder() == installed
