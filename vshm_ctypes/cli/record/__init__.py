# SPDX-License-Identifier: Apache-2.0
"""vshm record: records streams into files, in the container that the ending of the name chooses."""
