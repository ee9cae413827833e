# SPDX-License-Identifier: Apache-2.0
"""The command's verbs, which are imported by name, and the pages and dashboards that they give out."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

hiddenimports = collect_submodules("vshm_ctypes.cli")
datas = collect_data_files("vshm_ctypes.cli")
