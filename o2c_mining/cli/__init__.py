"""The command line: one module per group of commands; heavy imports happen inside the functions."""
