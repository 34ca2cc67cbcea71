"""The native side of the thread pool as LLVM IR: a target in, workers, launch and barrier out.

The pool is one block of 64-byte lines, a field on each, so that threads do not share lines by
accident. A worker spins on `sequence`, then sleeps in a futex. `sheer_launch` publishes a task by a
new sequence number, wakes sleepers if there are any, takes part as thread 0 and waits for those
others that take part. The number says in its lowest 8 bits how many do, so a worker that is not
asked never reads the task, and nobody waits for it.
"""

from __future__ import annotations

import sys

from .target import Target
from .threads_machine import FLUSH_OTHER, FLUSH_X86, SLEEP_LINUX, SLEEP_OTHER

FIELDS = ("sequence", "sleepers", "function", "context", "count", "active", "busy", "chunk",
          "next", "arrived", "started", "size")
MAX_THREADS = 255                              # what 8 bits can say
POOL_BYTES = 64 * (len(FIELDS) + MAX_THREADS)  # the `done` lines follow the fields
SPINS = 20_000                                 # pauses before sleeping: some 0.3 ms
_YIELD_MASK = 1023                             # spins between yields while waiting for others
_FUTEX = {"x86_64": 202, "aarch64": 98}        # the system call's number
_WAIT, _WAKE = 128, 129                        # private futex operations
REGION = -1                                    # chunk: call once per thread, see `_RUN`

_RUN = """
; call the task as thread %tid of %active: chunk 0 one even share, > 0 chunks claimed by turns,
; < 0 once with (tid, active) for begin and end
define internal void @run(i64 %tid, i64 %active) #0 {
  %function = load ptr, ptr FIELD(function), align 8
  %context = load ptr, ptr FIELD(context), align 8
  %count = load i64, ptr FIELD(count), align 8
  %chunk = load i64, ptr FIELD(chunk), align 8
  %mode = call i64 @llvm.smax.i64(i64 %chunk, i64 -1)
  switch i64 %mode, label %claim [ i64 -1, label %region
                                   i64 0, label %share ]
region:
  call void %function(ptr %context, i64 %tid, i64 %active, i64 %tid)
  ret void
share:
  %more = add i64 %count, %active
  %up = sub i64 %more, 1
  %each = udiv i64 %up, %active
  %b0 = mul i64 %each, %tid
  %begin = call i64 @llvm.smin.i64(i64 %b0, i64 %count)
  %e0 = add i64 %begin, %each
  %end = call i64 @llvm.smin.i64(i64 %e0, i64 %count)
  %some = icmp slt i64 %begin, %end
  br i1 %some, label %part, label %finish
part:
  call void %function(ptr %context, i64 %begin, i64 %end, i64 %tid)
  ret void
claim:
  %turn = atomicrmw add ptr FIELD(next), i64 1 monotonic
  %cb = mul i64 %turn, %chunk
  %left = icmp slt i64 %cb, %count
  br i1 %left, label %take, label %finish
take:
  %c0 = add i64 %cb, %chunk
  %ce = call i64 @llvm.smin.i64(i64 %c0, i64 %count)
  call void %function(ptr %context, i64 %cb, i64 %ce, i64 %tid)
  br label %claim
finish:
  ret void
}
"""

_WORKER = """
define ptr @sheer_worker(ptr %argument) #0 {
entry:
  %tid = ptrtoint ptr %argument to i64
  %flushed = call i64 @sheer_flush_on()
  %line = add i64 %tid, DONE
  %done = getelementptr [8 x i64], ptr @sheer_pool, i64 %line
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
  br i1 %over, label %leave, label %go
go:
  call void @run(i64 %tid, i64 %active)
  store atomic i64 %now, ptr %done release, align 8
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
  %a0 = call i64 @llvm.smin.i64(i64 %size, i64 %limit)
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
  store i64 0, ptr FIELD(next), align 8
  store i64 0, ptr FIELD(arrived), align 8
  %number = call i64 @announce(i64 %a0)
  call void @run(i64 0, i64 %a0)
  br label %others
others:
  %t = phi i64 [ 1, %publish ], [ %t1, %ready ]
  %line = add i64 %t, DONE
  %done = getelementptr [8 x i64], ptr @sheer_pool, i64 %line
  br label %poll
poll:
  %turn = phi i64 [ 0, %others ], [ %turn1, %not ]
  %value = load atomic i64, ptr %done acquire, align 8
  %equal = icmp eq i64 %value, %number
  br i1 %equal, label %ready, label %not
not:
  call void @relax(i64 %turn)
  %turn1 = add i64 %turn, 1
  br label %poll
ready:
  %t1 = add i64 %t, 1
  %more = icmp slt i64 %t1, %a0
  br i1 %more, label %others, label %release
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
    numbers = {"DONE": len(FIELDS), "SPINS": SPINS, "YIELD_MASK": _YIELD_MASK, "WAIT": _WAIT,
               "WAKE": _WAKE, "FUTEX": _FUTEX.get(machine, 0)}
    for word, number in numbers.items():
        text = text.replace(f" {word}", f" {number}")
    return text
