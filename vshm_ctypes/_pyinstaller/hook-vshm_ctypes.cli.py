# SPDX-License-Identifier: Apache-2.0
"""Collects the verbs of vshm, which are imported by name, and their pages and dashboards."""

from importlib.util import find_spec

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

hiddenimports = collect_submodules("vshm_ctypes.cli")
if find_spec("matplotlib"):  # matplotlib imports a backend by format, and PyInstaller collects that of PNG only
    hiddenimports += ["matplotlib.backends.backend_svg"]
datas = collect_data_files("vshm_ctypes.cli")
