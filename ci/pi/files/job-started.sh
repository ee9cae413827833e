#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What GitHub's runner calls before a job's first step: it takes nothing whose name does not end in .sh.
exec "$(dirname "$0")/job-started"
