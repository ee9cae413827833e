# SPDX-License-Identifier: Apache-2.0
"""What the project's commands share: vshm, hil and camera-streamer parse, print, write files and end alike.

No part of the binding imports it, and it imports no verb. alarm and ending handle signals; verb, table, output and
extras handle arguments, tables and messages; completion and shell_completions what a shell completes; atomic_file,
locked_file and disk_advice files; child ends child processes; rate_limited_log limits what strangers can provoke.
"""
