"""Functions of functions: grad, vjp, jvp, jacrev, jacfwd, hessian, vmap, jit, scan, checkpoint."""
