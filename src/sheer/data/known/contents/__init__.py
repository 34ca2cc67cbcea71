"""The files of a published dataset go in, in a fixed order; its records come out."""
