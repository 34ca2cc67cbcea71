"""The CPU backend: kernels as LLVM IR in, native code and threads to run it out."""
