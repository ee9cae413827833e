# SPDX-License-Identifier: Apache-2.0
"""The command's verbs, which are imported by name, and the pages and dashboards that they give out."""

from importlib.util import find_spec

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

hiddenimports = collect_submodules("vshm_ctypes.cli")
if find_spec("matplotlib"):  # it looks for these by the format of a picture, and PyInstaller brings that of PNG alone
    hiddenimports += ["matplotlib.backends.backend_svg"]
datas = collect_data_files("vshm_ctypes.cli")
