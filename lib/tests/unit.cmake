# SPDX-License-Identifier: Apache-2.0
# One program for each source file, and what is installed.
vshm_test(geometry LABELS quick)
vshm_test(geometry_read LABELS quick)
vshm_test(ring LABELS quick)
vshm_test(ring_v1 LABELS quick)
