# SPDX-License-Identifier: Apache-2.0
"""What the project's commands share: vshm, hil and camera-streamer parse, print, write files and end alike.

No part of the binding imports it, and it imports no verb. alarm and ending handle signals; verb, table, output and
extras handle arguments, tables and messages; offers and completion handle shell completion; whole_file, own_file and
disk_advice handle files; child ends child processes; seldom limits messages that strangers can provoke.
"""
