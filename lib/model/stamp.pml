/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stamp protocol of ../src/ring.c for Spin: one writer, a ring of a few slots, frames enough to go round it. Readers
 * store nothing, so they can't disturb the writer or each other, and one of them stands for all.
 *
 * [P1] to [P5] and [C1] to [C5] are the labels in the library's source. README.md tells what each -D changes.
 */
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef FRAMES
#define FRAMES 5
#endif
#ifndef WINDOW
#define WINDOW (SLOTS - 1) /* how far behind the count a reader looks: one slot is always the writer's */
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef ABORTS
#define ABORTS 0
#endif

/* The stamps of frame n. As in ring.c they come round; with WRAP frame 0 stands for the one whose stamp is 0. */
#ifdef WRAP
#define WHOLE(n) (2 * (n))
#else
#define WHOLE(n) (2 * (n) + 2)
#endif
#define ODD(n) ((WHOLE(n) + 255) % 256)

/* The locations. Of a slot's words, 0 stands for its line (which names the frame) and 1 for its payload. */
#define COUNT 0
#define SIGNAL 1
#define STAMP(n) (2 + (n) % SLOTS)
#define WORD(n, w) (2 + SLOTS + 2 * ((n) % SLOTS) + (w))
#define LOCATIONS (2 + 3 * SLOTS)
#ifndef DEPTH
#define DEPTH 14 /* values of one location; the checker reports a store beyond it */
#endif

/* What a word of frame n holds, written by the writer's first or later life. */
#define CONTENT(n) (16 * life + (n))
#define NAMES(word, n) ((word) % 16 == (n))
#define NOTHING 15 /* names no frame */

#include "memory.pml"

/* Not shared memory: what the properties are about. */
byte taken;           /* frames whose slot the writer has begun to overwrite */
byte content[FRAMES]; /* what was published as frame n */
byte life = 1;        /* of the writer: 1, and one more after every crash */
bool asleep;          /* the reader, in the kernel */
byte woken;           /* the newest signal for which a wake has begun */

/* ---- which order each access has: the protocol's own, unless -D weakens or strengthens it ---- */

#ifdef WEAK_P2
#define fence_P2() skip
#else
#define fence_P2() fence_release()
#endif
#ifdef STRONG_P3
#define store_P3(x, value) store_release(x, value)
#else
#define store_P3(x, value) store_relaxed(x, value)
#endif
#ifdef WEAK_P4
#define store_P4(x, value) store_relaxed(x, value)
#else
#define store_P4(x, value) store_release(x, value)
#endif
#ifdef WEAK_P5
#define store_P5(x, value) store_relaxed(x, value)
#else
#define store_P5(x, value) store_release(x, value)
#endif
#ifdef WEAK_C1
#define load_C1(x, to) load_relaxed(x, to)
#else
#define load_C1(x, to) load_acquire(x, to)
#endif
#ifdef WEAK_C2
#define load_C2(x, to) load_relaxed(x, to)
#else
#define load_C2(x, to) load_acquire(x, to)
#endif
#ifdef STRONG_C3
#define load_C3(x, to) load_acquire(x, to)
#else
#define load_C3(x, to) load_relaxed(x, to)
#endif
#ifdef WEAK_C4
#define fence_C4() skip
#else
#define fence_C4() fence_acquire()
#endif

/* ---- the writer ---- */

/* SIGKILL: what was stored stays, what was not is never stored. The next writer holds the lock that the kernel took
   from the dead one, so it has seen all of it; but it has not fenced anything yet. */
#if CRASHES
#define MAY_DIE if :: life <= CRASHES -> goto died :: skip fi
#else
#define MAY_DIE skip
#endif

inline begin() {
#ifdef NO_P1
	atomic { taken = n + 1 };
#else
	atomic { store_relaxed(STAMP(n), ODD(n)); taken = n + 1 }; /* [P1] */
#endif
	MAY_DIE;
	fence_P2() /* [P2] */
}

/* Marks the slot of frame n as holding nothing. */
inline void_line() {
	store_relaxed(WORD(n, 0), NOTHING);
	MAY_DIE;
#ifdef VOID_ZERO
	store_release(STAMP(n), 0)
#else
	skip /* the stamp stays odd */
#endif
}

inline signal() {
	store_P5(SIGNAL, newest[SIGNAL] + 1); /* [P5] */
	MAY_DIE;
	atomic { woken = newest[SIGNAL]; asleep = false }
}

active proctype writer()
{
	byte n; /* the next frame */
	byte aborts = ABORTS;

work:	do
	:: n < FRAMES ->
		begin();
		MAY_DIE;
#if ABORTS
		if
		:: aborts > 0 ->
			aborts--;
			store_relaxed(WORD(n, 1), NOTHING); /* an encoder that gave up */
			MAY_DIE;
			void_line();
			MAY_DIE;
			begin();
			MAY_DIE
		:: skip
		fi;
#endif
		store_relaxed(WORD(n, 1), CONTENT(n));
		MAY_DIE;
		store_relaxed(WORD(n, 0), CONTENT(n));
		MAY_DIE;
		store_P3(STAMP(n), WHOLE(n)); /* [P3] */
		MAY_DIE;
		atomic { content[n] = CONTENT(n); store_P4(COUNT, n + 1) }; /* [P4] */
		MAY_DIE;
		signal();
		n++
	:: else -> break
	od;
	goto done;

#if CRASHES
died:	atomic {
		life++;
		for (each : 0 .. LOCATIONS - 1) {
			fenced.at[each] = 0
		}
		each = 0;
		n = 0
	}
	do /* mend the slots: n is one frame of each */
	:: n < SLOTS && memory[STAMP(n)].nr[newest[STAMP(n)]].is % 2 != 0 ->
		void_line();
		MAY_DIE;
		n++
	:: n < SLOTS && memory[STAMP(n)].nr[newest[STAMP(n)]].is % 2 == 0 -> n++
	:: n >= SLOTS -> break
	od;
	n = newest[COUNT]; /* goes on from the count, whose values are 0, 1, 2, ... */
#ifndef NO_SIGNAL_AFTER_CRASH
	signal();
#endif
	goto work;
#endif
done:	skip
}

/* ---- the reader ---- */

active proctype reader()
{
	View seen, aside;
	byte next;                    /* its place */
	byte received, missed;
	byte signal_seen, count, stamp, line, payload, pick;
	bool torn, untrue_miss;

	do
	:: next < FRAMES ->
#ifdef SIGNAL_LAST
		load_C2(COUNT, count);
		load_C1(SIGNAL, signal_seen);
#else
		load_C1(SIGNAL, signal_seen); /* [C1] */
		load_C2(COUNT, count);        /* [C2] */
#endif
		d_step {
			if
			:: count > next + WINDOW ->
				/* Overwritten, or in the slot that the writer takes next: here no check can fail. */
				missed = missed + count - WINDOW - next;
				next = count - WINDOW
			:: else
			fi
		}
		if
		:: next >= count -> goto wait
		:: next < count
		fi;
#if !defined(BY_COUNT) && !defined(NO_C3)
		load_C3(STAMP(next), stamp); /* [C3] */
		if
		:: stamp != WHOLE(next) -> goto lapped
		:: stamp == WHOLE(next)
		fi;
#endif
		load_relaxed(WORD(next, 0), line);
#ifndef NO_NAME
		if
		:: !NAMES(line, next) -> goto lapped
		:: NAMES(line, next)
		fi;
#endif
		load_relaxed(WORD(next, 1), payload);
		fence_C4(); /* [C4] */
#ifdef NO_C5
		skip;
#elif defined(BY_COUNT)
		load_relaxed(COUNT, count); /* what a version 1 ring offers instead of a stamp */
		if
		:: count - next > WINDOW -> goto lapped
		:: count - next <= WINDOW
		fi;
#else
		load_relaxed(STAMP(next), stamp); /* [C5] */
		if
		:: stamp != WHOLE(next) -> goto lapped
		:: stamp == WHOLE(next)
		fi;
#endif
		d_step {
			torn = line != content[next] || payload != content[next];
			assert(!torn);
			received++
		}
		goto onward;
lapped:		atomic {
			/* A frame is only missed once the writer has begun to overwrite it. (By the count alone it can't be
			   told; there it is enough that the writer takes the slot next.) */
#ifdef BY_COUNT
			untrue_miss = taken < next + SLOTS;
#else
			untrue_miss = taken <= next + SLOTS;
#endif
			assert(!untrue_miss);
			missed++
		}
onward:		atomic {
			next++;
			count = 0; stamp = 0; line = 0; payload = 0;
			torn = false; untrue_miss = false
		}
		goto again;
wait:		atomic {
			/* FUTEX_WAIT. The kernel's barriers order its look at the word against a wake: it sees every signal
			   for which a wake has begun, and perhaps newer ones. Values are 0, 1, 2, ..., as their numbers. */
			if
			:: signal_seen >= woken && signal_seen >= seen.at[SIGNAL] -> asleep = true
			:: signal_seen < newest[SIGNAL]
			fi;
			count = 0
		}
		!asleep;
again:		signal_seen = 0
	:: else -> break
	od;
	assert(received + missed == FRAMES)
}
