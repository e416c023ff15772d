"""Compiling the optional C parts; standard library only, as it runs during installation."""
