/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is memory.pml what it says? Message passing, the litmus test behind all of the protocol: with a release store or fence
 * and an acquire load or fence, whoever sees the flag sees the data. With either side relaxed he need not.
 */
#define DATA 0
#define FLAG 1
#define LOCATIONS 2
#define DEPTH 3

#include "memory.pml"

active proctype writer()
{
	store_relaxed(DATA, 1);
	if
#ifdef WEAK_WRITER
	:: store_relaxed(FLAG, 1)
#else
	:: store_release(FLAG, 1)
	:: fence_release(); store_relaxed(FLAG, 1)
#endif
	fi;
	store_relaxed(DATA, 2)
}

active proctype reader()
{
	View seen, aside;
	byte pick, flag, data, again;
	bool stale, backwards;

	if
#ifdef WEAK_READER
	:: load_relaxed(FLAG, flag)
#else
	:: load_acquire(FLAG, flag)
	:: load_relaxed(FLAG, flag); fence_acquire()
#endif
	fi;
	load_relaxed(DATA, data);
	load_relaxed(DATA, again);
	d_step {
		stale = flag == 1 && data == 0;
		assert(!stale);
		backwards = again < data; /* one location never runs backwards, whatever the order */
		assert(!backwards)
	}
}
