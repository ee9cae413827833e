# SPDX-License-Identifier: Apache-2.0
# Prints the version in the file VERSION.
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/../../VERSION version LIMIT_COUNT 1)
message("${version}")
