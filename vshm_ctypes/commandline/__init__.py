# SPDX-License-Identifier: Apache-2.0
"""What the project's commands share: vshm, hil and camera-streamer parse, print, write files and end in the same way.

No part of the binding imports it, and it imports no verb. alarm, ending: signals and Ctrl-C. verb, table, output,
extras: words, tables, messages. offers, completion: what a shell completes. whole_file, own_file, disk_advice: files.
child: programs that a command starts. seldom: what is logged once a minute, however often strangers cause it.
"""
