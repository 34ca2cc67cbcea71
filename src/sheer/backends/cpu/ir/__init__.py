"""LLVM IR: functions, loops, vectors and memory, written as text for one target."""
