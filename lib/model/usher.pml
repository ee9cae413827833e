/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How ../src/usher.c hands out the tokens of the semaphore that version 1 readers share. Readers are back at once; what
 * takes time in the source (AT_ONCE_NS) is here that nothing else can happen. README.md tells what each -D changes.
 */
#ifndef READERS
#define READERS 3
#endif
#ifndef FRAMES
#define FRAMES 2
#endif

/* The semaphore, as every C library has it: its value, and who sleeps on it in the kernel, longest first. */
byte tokens;
chan queue = [READERS] of { byte };
bool is_woken[READERS];

/* The ring as version 1 has it: a reader gets the newest frame, or finds that it has had it. */
byte written;
byte seen[READERS];
bool wasted; /* somebody was woken for nothing */

/* The writer tells the usher that there is a frame. */
byte calls;
byte settled; /* the usher's last call that it is done with */

/* Not the library's: what the properties are about. */
bool sleeps[READERS];
bool slept[READERS]; /* when the last frame came */
bool robbed;         /* one of these never got it */
bool over;

#define ASLEEP len(queue)
#define WAS_CALLED (calls > served)

inline post()
{
	atomic {
		tokens++;
		if
		:: ASLEEP > 0 -> queue ? sleeper; sleeps[sleeper] = false; is_woken[sleeper] = true
		:: else
		fi
	}
}

active [READERS] proctype reader()
{
wait:
	atomic {
		if
		:: tokens > 0 -> tokens--
		:: else -> queue ! _pid; sleeps[_pid] = true; goto sleep
		fi
	}
	d_step {
		wasted = wasted || seen[_pid] == written;
		seen[_pid] = written
	}
	goto wait;
sleep:
	if
	:: atomic { is_woken[_pid] -> is_woken[_pid] = false } goto wait
	:: over
	fi
}

/* serve_one: the next token only once the last is taken, and who took it sleeps again. */
inline serve_one()
{
	before = tokens;
	post();
#ifndef TOGETHER
	if
#ifdef NOT_BACK
	:: tokens <= before
#else
	:: tokens <= before && ASLEEP >= asleep -> back++
#endif
#ifndef STEADY
	:: WAS_CALLED
	:: timeout
#endif
	fi
#endif
}

inline serve_in_turn(count)
{
	asleep = count;
	back = 0;
	turn = 0;
	do
	:: turn < asleep && !WAS_CALLED -> serve_one(); turn++ /* the kernel wakes who has slept longest */
	:: else -> break
	od
}

active proctype usher()
{
	byte served, asleep, turn, back, first_back, before, sleeper, late;

	do
	:: WAS_CALLED ->
		atomic { served = calls; asleep = ASLEEP; late = READERS - asleep }
		serve_in_turn(asleep);
		first_back = back;
#ifndef STEADY
		if
		:: late > 0 ->
#ifndef LATE_AT_ONCE
			if
			:: ASLEEP >= first_back + late
			:: WAS_CALLED
			:: timeout
			fi;
#endif
			asleep = ASLEEP;
			if
			:: asleep > first_back ->
				if
				:: late > asleep - first_back -> late = late - (asleep - first_back)
				:: else -> late = 0
				fi;
				serve_in_turn(asleep)
			:: else
			fi
		:: else
		fi;
#endif
		atomic {
			if
			:: !WAS_CALLED -> tokens = tokens + late
			:: else
			fi;
			settled = served
		}
	:: over -> break
	od
}

active proctype writer()
{
	byte at;

	do
	:: calls < FRAMES ->
#ifdef STEADY
		settled == calls && ASLEEP == READERS;
#else
		calls > 0 || ASLEEP == READERS;
#endif
		d_step {
			written++;
			at = 0;
			do
			:: at < READERS -> slept[at] = sleeps[at]; at++
			:: else -> break
			od;
			calls++
		}
	:: else -> break
	od;
	settled == FRAMES && ASLEEP == READERS;
	d_step {
		at = 0;
		do
		:: at < READERS -> robbed = robbed || (slept[at] && seen[at] < written); at++
		:: else -> break
		od
	}
	assert(!robbed);
#ifdef STEADY
	assert(!wasted);
#endif
	over = true
}
