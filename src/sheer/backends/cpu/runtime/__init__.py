"""Running: objects, threads, arenas, and the interpreter of programs."""
