"""The native side of the thread pool as LLVM IR: a target in, workers, launch and barrier out.

The pool is one block of 64-byte lines, a field on each, so that threads do not share lines by
accident. A worker spins on `sequence`, then sleeps in a futex. `sheer_launch` publishes a task by a
new sequence number, wakes sleepers if there are any and takes part as thread 0. The number says in
its lowest 8 bits how many may take part, so a worker that is not asked never reads the task.

Workers come in through a door: a word with the launch's number, a bit that closes it, and how many
are inside. The launcher closes it when no chunk is left and waits for those inside only: a worker
that the system has not run in time (another process had its core) is not waited for.
"""

from __future__ import annotations

import sys

from ..ir.target import Target
from .threads_machine import FLUSH_OTHER, FLUSH_X86, SLEEP_LINUX, SLEEP_OTHER

FIELDS = ("sequence", "sleepers", "function", "context", "count", "busy", "chunk",
          "arrived", "started", "size", "door", "entered", "far",
          "turns")                             # the last one: a line per thread
MAX_THREADS = 255                              # what 8 bits can say
POOL_BYTES = 64 * (len(FIELDS) + MAX_THREADS)
SPINS = 20_000                                 # pauses before sleeping: some 0.3 ms
_YIELD_MASK = 1023                             # spins between yields while waiting for others
_FUTEX = {"x86_64": 202, "aarch64": 98}        # the system call's number
_WAIT, _WAKE = 128, 129                        # private futex operations
NEAR_ONLY = 256                                # added to a launch's limit: alone if cores are far
REGION = -1                                    # chunk: call once per thread, see `_RUN`

_RUN = """
; call the task as thread %tid of %active: chunk > 0 in chunks of that size (0: as many chunks as
; threads), < 0 once with (tid, active) for begin and end. A thread has the same chunks each time:
; what it wrote is still in its core's caches, then it takes those of threads that are late
define internal void @run(i64 %tid, i64 %active) #0 {
  %function = load ptr, ptr FIELD(function), align 8
  %context = load ptr, ptr FIELD(context), align 8
  %count = load i64, ptr FIELD(count), align 8
  %given = load i64, ptr FIELD(chunk), align 8
  %everyone = icmp slt i64 %given, 0
  br i1 %everyone, label %region, label %size
region:
  call void %function(ptr %context, i64 %tid, i64 %active, i64 %tid)
  ret void
size:
  %more = add i64 %count, %active
  %up = sub i64 %more, 1
  %each = udiv i64 %up, %active
  %even = icmp eq i64 %given, 0
  %wide = select i1 %even, i64 %each, i64 %given
  %chunk = call i64 @llvm.smax.i64(i64 %wide, i64 1)
  %over = add i64 %count, %chunk
  %below = sub i64 %over, 1
  %chunks = udiv i64 %below, %chunk
  br label %visit
visit:                              ; one's own chunks first, then those others have left
  %v = phi i64 [ 0, %size ], [ %v1, %onward ]
  %place = add i64 %tid, %v
  %owner = urem i64 %place, %active
  %following = add i64 %owner, 1
  %low = mul i64 %owner, %chunks
  %first = udiv i64 %low, %active
  %high = mul i64 %following, %chunks
  %last = udiv i64 %high, %active
  %line = mul i64 %owner, 64
  %turns = getelementptr i8, ptr FIELD(turns), i64 %line
  br label %claim
claim:
  %turn = atomicrmw add ptr %turns, i64 1 monotonic
  %number = add i64 %first, %turn
  %left = icmp slt i64 %number, %last
  br i1 %left, label %take, label %onward
take:
  %cb = mul i64 %number, %chunk
  %c0 = add i64 %cb, %chunk
  %ce = call i64 @llvm.smin.i64(i64 %c0, i64 %count)
  call void %function(ptr %context, i64 %cb, i64 %ce, i64 %tid)
  br label %claim
onward:
  %v1 = add i64 %v, 1
  %others = icmp slt i64 %v1, %active
  br i1 %others, label %visit, label %finish
finish:
  ret void
}
"""

_WORKER = """
define ptr @sheer_worker(ptr %argument) #0 {
entry:
  %tid = ptrtoint ptr %argument to i64
  %flushed = call i64 @sheer_flush_on()
  %first = load atomic i64, ptr FIELD(sequence) seq_cst, align 8
  %s = atomicrmw add ptr FIELD(started), i64 1 seq_cst
  br label %wait
wait:
  %seen = phi i64 [ %first, %entry ], [ %seen, %asleep ], [ %now, %next ]
  br label %spin
spin:
  %turn = phi i64 [ 0, %wait ], [ %turn1, %again ]
  %now = load atomic i64, ptr FIELD(sequence) acquire, align 8
  %news = icmp ne i64 %now, %seen
  br i1 %news, label %look, label %again
again:
  call void @pause()
  %turn1 = add i64 %turn, 1
  %patient = icmp slt i64 %turn1, SPINS
  br i1 %patient, label %spin, label %sleep
sleep:
  %in = atomicrmw add ptr FIELD(sleepers), i64 1 seq_cst
  %check = load atomic i64, ptr FIELD(sequence) seq_cst, align 8
  %same = icmp eq i64 %check, %seen
  br i1 %same, label %doze, label %asleep
doze:
  call void @doze(i64 %seen)
  br label %asleep
asleep:
  %out = atomicrmw sub ptr FIELD(sleepers), i64 1 seq_cst
  br label %wait
look:
  %active = and i64 %now, 255
  %mine = icmp slt i64 %tid, %active
  br i1 %mine, label %work, label %next
work:
  %function = load ptr, ptr FIELD(function), align 8
  %over = icmp eq ptr %function, null
  br i1 %over, label %leave, label %knock
knock:
  %launch = lshr i64 %now, 8
  %door0 = load atomic i64, ptr FIELD(door) acquire, align 8
  br label %try
try:
  %door = phi i64 [ %door0, %knock ], [ %found, %enter ]
  %open = lshr i64 %door, 8         ; launch number and closing bit
  %wanted = shl i64 %launch, 1
  %same_launch = icmp eq i64 %open, %wanted
  br i1 %same_launch, label %enter, label %next
enter:
  %with_me = add i64 %door, 1
  %pair = cmpxchg ptr FIELD(door), i64 %door, i64 %with_me acq_rel acquire, align 8
  %found = extractvalue { i64, i1 } %pair, 0
  %inside = extractvalue { i64, i1 } %pair, 1
  br i1 %inside, label %go, label %try
go:
  %e = atomicrmw add ptr FIELD(entered), i64 1 monotonic
  call void @run(i64 %tid, i64 %active)
  %left = atomicrmw sub ptr FIELD(door), i64 1 release
  br label %next
next:
  br label %wait
leave:
  ret ptr null
}
"""

_LAUNCH = """
define void @sheer_launch(ptr %function, ptr %context, i64 %count, i64 %chunk, i64 %limit) #0 {
entry:
  %size = load atomic i64, ptr FIELD(size) acquire, align 8
  %most = and i64 %limit, 255
  %near_only = icmp ugt i64 %limit, 255
  %apart = load i64, ptr FIELD(far), align 8
  %distant = icmp ne i64 %apart, 0
  %too_far = and i1 %near_only, %distant
  %may = select i1 %too_far, i64 1, i64 %most
  %a0 = call i64 @llvm.smin.i64(i64 %size, i64 %may)
  %few = icmp slt i64 %a0, 2
  br i1 %few, label %alone, label %claim
claim:
  %busy = atomicrmw xchg ptr FIELD(busy), i64 1 acquire
  %taken = icmp ne i64 %busy, 0
  br i1 %taken, label %alone, label %publish
alone:                              ; one thread, a nested launch, or another thread's launch
  %region = icmp slt i64 %chunk, 0
  %end = select i1 %region, i64 1, i64 %count
  %none = icmp slt i64 %end, 1
  br i1 %none, label %finish, label %call
call:
  call void %function(ptr %context, i64 0, i64 %end, i64 0)
  br label %finish
publish:
  store ptr %function, ptr FIELD(function), align 8
  store ptr %context, ptr FIELD(context), align 8
  store i64 %count, ptr FIELD(count), align 8
  store i64 %chunk, ptr FIELD(chunk), align 8
  store i64 0, ptr FIELD(arrived), align 8
  store i64 0, ptr FIELD(entered), align 8
  br label %reset
reset:
  %r = phi i64 [ 0, %publish ], [ %r1, %reset ]
  %line = mul i64 %r, 64
  %turns = getelementptr i8, ptr FIELD(turns), i64 %line
  store i64 0, ptr %turns, align 8
  %r1 = add i64 %r, 1
  %more = icmp slt i64 %r1, %a0
  br i1 %more, label %reset, label %open
open:
  %old = load i64, ptr FIELD(sequence), align 8
  %launches = lshr i64 %old, 8
  %launch = add i64 %launches, 1
  %door = shl i64 %launch, 9
  store atomic i64 %door, ptr FIELD(door) release, align 8
  %number = call i64 @announce(i64 %a0)
  call void @run(i64 0, i64 %a0)
  %others = sub i64 %a0, 1
  %everyone = icmp slt i64 %chunk, 0
  %needed = select i1 %everyone, i64 %others, i64 0
  br label %gather
gather:                             ; a region needs every thread
  %g = phi i64 [ 0, %open ], [ %g1, %absent ]
  %came = load atomic i64, ptr FIELD(entered) acquire, align 8
  %enough = icmp sge i64 %came, %needed
  br i1 %enough, label %close, label %absent
absent:
  call void @relax(i64 %g)
  %g1 = add i64 %g, 1
  br label %gather
close:
  %shut = atomicrmw or ptr FIELD(door), i64 256 acq_rel
  br label %poll
poll:
  %turn = phi i64 [ 0, %close ], [ %turn1, %not ]
  %value = load atomic i64, ptr FIELD(door) acquire, align 8
  %inside = and i64 %value, 255
  %empty = icmp eq i64 %inside, 0
  br i1 %empty, label %release, label %not
not:
  call void @relax(i64 %turn)
  %turn1 = add i64 %turn, 1
  br label %poll
release:
  store atomic i64 0, ptr FIELD(busy) release, align 8
  br label %finish
finish:
  ret void
}

define i64 @announce(i64 %active) #0 {
  %old = load i64, ptr FIELD(sequence), align 8
  %high = and i64 %old, -256
  %more = add i64 %high, 256
  %number = or i64 %more, %active
  store atomic i64 %number, ptr FIELD(sequence) seq_cst, align 8
  %sleepers = load atomic i64, ptr FIELD(sleepers) seq_cst, align 8
  %some = icmp sgt i64 %sleepers, 0
  br i1 %some, label %wake, label %finish
wake:
  call void @wake()
  br label %finish
finish:
  ret i64 %number
}

define internal void @nothing(ptr %context, i64 %begin, i64 %end, i64 %thread) #0 {
  ret void
}

define void @sheer_rounds(i64 %times, i64 %threads) #0 {      ; launches that only meet
entry:
  br label %again
again:
  %turn = phi i64 [ 0, %entry ], [ %next, %again ]
  call void @sheer_launch(ptr @nothing, ptr null, i64 0, i64 -1, i64 %threads)
  %next = add i64 %turn, 1
  %more = icmp slt i64 %next, %times
  br i1 %more, label %again, label %finish
finish:
  ret void
}

define void @sheer_stop() #0 {      ; every worker returns
  store ptr null, ptr FIELD(function), align 8
  %number = call i64 @announce(i64 255)
  ret void
}
"""

_BARRIER = """
define void @sheer_barrier(i64 %threads) #0 {
entry:
  %alone = icmp slt i64 %threads, 2
  br i1 %alone, label %finish, label %arrive
arrive:
  %before = atomicrmw add ptr FIELD(arrived), i64 1 acq_rel
  %round = udiv i64 %before, %threads
  %round1 = add i64 %round, 1
  %goal = mul i64 %round1, %threads
  br label %poll
poll:
  %turn = phi i64 [ 0, %arrive ], [ %turn1, %not ]
  %now = load atomic i64, ptr FIELD(arrived) acquire, align 8
  %all = icmp uge i64 %now, %goal
  br i1 %all, label %finish, label %not
not:
  call void @relax(i64 %turn)
  %turn1 = add i64 %turn, 1
  br label %poll
finish:
  ret void
}

define internal void @relax(i64 %turn) #0 {
  call void @pause()
  %low = and i64 %turn, YIELD_MASK
  %due = icmp eq i64 %low, YIELD_MASK
  br i1 %due, label %yield, label %finish
yield:
  %r = call i32 @sched_yield()
  br label %finish
finish:
  ret void
}
"""

def runtime_ir(target: Target) -> str:
    """The module with @sheer_launch, @sheer_barrier, @sheer_worker, @sheer_stop and the pool."""
    machine = target.triple.split("-", maxsplit=1)[0]
    linux = sys.platform.startswith("linux") and machine in _FUTEX
    parts = [
        f"@sheer_pool = global [{POOL_BYTES} x i8] zeroinitializer, align 64",
        "define ptr @sheer_pool_address() #0 {\n  ret ptr @sheer_pool\n}",
        _RUN, _WORKER, _LAUNCH, _BARRIER,
        FLUSH_X86 if target.x86 else FLUSH_OTHER,
        SLEEP_LINUX if linux else SLEEP_OTHER,
        "declare i32 @sched_yield()\ndeclare i64 @llvm.smin.i64(i64, i64)",
        "declare i64 @llvm.smax.i64(i64, i64)\nattributes #0 = { nounwind }",
    ]
    text = "\n".join(parts)
    for line, name in enumerate(FIELDS):
        at = f"getelementptr (i8, ptr @sheer_pool, i64 {64 * line})"
        text = text.replace(f"FIELD({name})", at)
    numbers = {"SPINS": SPINS, "YIELD_MASK": _YIELD_MASK, "WAIT": _WAIT,
               "WAKE": _WAKE, "FUTEX": _FUTEX.get(machine, 0)}
    for word, number in numbers.items():
        text = text.replace(f" {word}", f" {number}")
    return text
