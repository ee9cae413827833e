# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What fuzz/run and fuzz/endurance share: build_fuzz BUILD-FOLDER TARGET...; exit code 2: this machine can't.
build_fuzz() {
	local build=$1 here
	here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
	shift
	if ! command -v clang >/dev/null; then
		echo "clang is missing: apt-get install clang (or your distribution's package of that name)" >&2
		exit 2
	fi
	mkdir -p "$build/findings" "$build/corpus"
	printf 'int LLVMFuzzerTestOneInput(void);\nint LLVMFuzzerTestOneInput(void)\n{\n\treturn 0;\n}\n' >"$build/try.c"
	if ! clang -fsanitize=fuzzer,address,undefined "$build/try.c" -o "$build/try" 2>"$build/try.log"; then
		echo "clang has no libFuzzer here: apt-get install libclang-rt-dev (Debian 12: libclang-rt-14-dev)" >&2
		sed 's/^/    /' "$build/try.log" >&2
		exit 2
	fi
	CC=clang cmake -S "$here/.." -B "$build" -DVIDEO_SHM_FUZZ=ON -DBUILD_TESTING=OFF -DVIDEO_SHM_BENCH=OFF \
		>"$build/cmake.log" || { cat "$build/cmake.log" >&2; exit 2; }
	cmake --build "$build" -j "$(nproc)" --target "$@" >"$build/build.log" || { cat "$build/build.log" >&2; exit 2; }
}

# show_finding BUILD-FOLDER PROGRAM LOG: what libFuzzer said, and how to see it again.
show_finding() {
	grep -E 'ERROR: |runtime error: |fuzz/[a-z_]*\.[ch]:[0-9]+: |does not name errno' "$3" | head -n 3 >&2 || true
	tail -n 60 "$3" >&2
	echo "a finding, kept in $1/findings; to see it again: $1/fuzz/$2 $1/findings/FILE" >&2
}
