#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# crash_points_complete.sh NM CRASH_CALLS_H OBJECT...
#
# Every function that the library imports is followed by a crash point, or is known to change nothing outside the
# process. Else a system call added later would go untried, and nobody would notice.
set -euo pipefail

nm=$1 calls=$2
shift 2

# The C library alone, or only looking; locks of the process are no system calls here, for nobody contends.
harmless='aligned_alloc calloc malloc free getpid getsid geteuid getpriority prctl secure_getenv access readlink sysconf uname getrlimit(64)? getrusage
mem[a-z]+ bcmp str[a-z]+ v?snprintf v?sscanf sem_getvalue sem_init sem_destroy sig(fillset|ismember|pending|action)
pthread_[a-z_]+ __libc_current_sigrtmax __errno_location
___errno crash_point crash_clock _GLOBAL_OFFSET_TABLE_ __(a|t|ub|l)san_[a-z0-9_]+ __sanitizer_[a-z0-9_]+
__stack_chk_fail __[a-z]+_chk __isoc[0-9]+_[a-z]+ __aeabi_[a-z0-9_]+ __aarch64_[a-z0-9_]+ __atomic_[a-z0-9_]+
__tls_get_addr __register_atfork __pthread_(un)?register_cancel __sigsetjmp _pthread_cleanup_(push|pop)'

# 32-bit systems import names such as open64, __fcntl_time64, __lstat64_time64.
plain() { sed -E 's/^__((open|fcntl|fstat|lstat|stat|nanosleep)[a-z0-9_]*)$/\1/; s/(64)?(_time64|64)?$//' | sort -u; }

imported=$("$nm" -u "$@" | awk '$1 == "U" { sub(/@.*/, "", $2); print $2 }' | sort -u)
own=$("$nm" --defined-only -g "$@" | awk 'NF == 3 { print $3 }' | sort -u)
counted=$(sed -nE 's/^#define ([a-z_]+)\(\.\.\.\) THEN_CRASH\(\1\(__VA_ARGS__\)\)$/\1/p' "$calls" | sort -u)
foreign=$(comm -23 <(printf '%s\n' "$imported") <(printf '%s\n' "$own") |
	grep -vxE "${harmless//[[:space:]]/|}" | plain)

if [[ $(wc -w <<<"$foreign") -lt 15 || $(wc -w <<<"$counted") -lt 15 ]]; then
	echo "nm or the list says next to nothing: imported '$foreign', counted '$counted'" >&2
	exit 1
fi
missing=$(comm -23 <(printf '%s\n' "$foreign") <(printf '%s\n' "$counted"))
if [[ -n $missing ]]; then
	echo "imported by the library, and neither in ${calls##*/} nor known as harmless:" >&2
	echo "$missing" >&2
	exit 1
fi
echo "$(wc -w <<<"$foreign") calls, each with a crash point"
