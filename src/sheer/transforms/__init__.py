"""Functions of functions: grad, vjp, jvp, vmap, jit, scan, checkpoint."""
