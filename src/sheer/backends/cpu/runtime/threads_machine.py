"""What the thread pool needs of processor and system, as LLVM IR: pause, denormals, sleeping.

`FIELD(...)` and words in capitals are filled in by `threads_ir.runtime_ir`.
"""

FLUSH_X86 = """
define i64 @sheer_flush_on() #0 {
  %slot = alloca i32, align 4
  call void @llvm.x86.sse.stmxcsr(ptr %slot)
  %old = load i32, ptr %slot, align 4
  %new = or i32 %old, 32832         ; 0x8040: flush denormal results and read them as zero
  store i32 %new, ptr %slot, align 4
  call void @llvm.x86.sse.ldmxcsr(ptr %slot)
  %wide = zext i32 %old to i64
  ret i64 %wide
}
define void @sheer_flush_restore(i64 %old) #0 {
  %slot = alloca i32, align 4
  %narrow = trunc i64 %old to i32
  store i32 %narrow, ptr %slot, align 4
  call void @llvm.x86.sse.ldmxcsr(ptr %slot)
  ret void
}
define internal void @pause() #0 {
  call void @llvm.x86.sse2.pause()
  ret void
}
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)
declare void @llvm.x86.sse2.pause()
"""

FLUSH_OTHER = """
define i64 @sheer_flush_on() #0 {
  ret i64 0
}
define void @sheer_flush_restore(i64 %old) #0 {
  ret void
}
define internal void @pause() #0 {
  ret void
}
"""

SLEEP_LINUX = """
define internal void @doze(i64 %seen) #0 {
  %word = trunc i64 %seen to i32
  %r = call i64 (i64, ...) @syscall(i64 FUTEX, ptr FIELD(sequence), i64 WAIT, i32 %word, ptr null)
  ret void
}
define internal void @wake() #0 {
  %r = call i64 (i64, ...) @syscall(i64 FUTEX, ptr FIELD(sequence), i64 WAKE, i32 2147483647)
  ret void
}
declare i64 @syscall(i64, ...)
"""

SLEEP_OTHER = """
define internal void @doze(i64 %seen) #0 {
  %r = call i32 @usleep(i32 100)    ; microseconds; no futex here
  ret void
}
define internal void @wake() #0 {
  ret void
}
declare i32 @usleep(i32)
"""
