/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory under the release/acquire part of C11's model, with one storing thread and one loading thread.
 *
 * Every location keeps all values ever stored to it, oldest first. A view says, for each location, which is the oldest
 * value that may still be read. A load may return any value that the thread's view allows, and moves the view up to it.
 * Each value carries a view of its own, which is
 *   of a release store, all that the writer has done so far,
 *   of a relaxed store, what the writer had done at its last release fence;
 * and which
 *   an acquire load takes into the reader's view at once,
 *   a relaxed load puts aside until the reader's next acquire fence.
 *
 * Where the standards differ, the weaker one holds: a relaxed store after a release store to the same location carries
 * nothing of that (C11 lets it, C++20 and some processors do not). One thread stores, so the order of a location's
 * values is the order of its stores, and the writer's own view is always the newest. The reader stores nothing, so no
 * load of it can depend on a store that depends on that load, and no store need be promised ahead of time.
 *
 * Wants LOCATIONS and DEPTH from who includes it; the reader declares View seen, aside and byte pick.
 */

typedef View { byte at[LOCATIONS] };
typedef Value { byte is; View carries };
typedef Location { Value nr[DEPTH] };

Location memory[LOCATIONS];
byte newest[LOCATIONS]; /* number of each location's newest value: the writer's view */
View fenced;            /* what it had done at its last release fence */
hidden byte each;

inline store_relaxed(x, value) {
	d_step {
		memory[x].nr[newest[x] + 1].is = value;
		newest[x]++;
		for (each : 0 .. LOCATIONS - 1) {
			memory[x].nr[newest[x]].carries.at[each] = fenced.at[each]
		}
		memory[x].nr[newest[x]].carries.at[x] = newest[x];
		each = 0
	}
}

inline store_release(x, value) {
	d_step {
		memory[x].nr[newest[x] + 1].is = value;
		newest[x]++;
		for (each : 0 .. LOCATIONS - 1) {
			memory[x].nr[newest[x]].carries.at[each] = newest[each]
		}
		each = 0
	}
}

inline fence_release() {
	d_step {
		for (each : 0 .. LOCATIONS - 1) {
			fenced.at[each] = newest[each]
		}
		each = 0
	}
}

/* Takes all that value number nr of x carries into view. */
inline join(view, x, nr_) {
	for (each : 0 .. LOCATIONS - 1) {
		view.at[each] = (memory[x].nr[nr_].carries.at[each] > view.at[each] -> memory[x].nr[nr_].carries.at[each] : view.at[each])
	}
	each = 0
}

inline choose(x) {
	pick = seen.at[x];
	do
	:: pick < newest[x] -> pick++
	:: break
	od
}

inline load_relaxed(x, to) {
	atomic {
		choose(x);
		d_step {
			to = memory[x].nr[pick].is;
			seen.at[x] = pick;
			join(aside, x, pick);
			pick = 0
		}
	}
}

inline load_acquire(x, to) {
	atomic {
		choose(x);
		d_step {
			to = memory[x].nr[pick].is;
			join(aside, x, pick);
			join(seen, x, pick);
			pick = 0
		}
	}
}

inline fence_acquire() {
	d_step {
		for (each : 0 .. LOCATIONS - 1) {
			seen.at[each] = (aside.at[each] > seen.at[each] -> aside.at[each] : seen.at[each])
		}
		each = 0
	}
}
