#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# GitHub's runner calls this before a job's first step; it accepts only names that end in .sh.
exec "$(dirname "$0")/job-started"
