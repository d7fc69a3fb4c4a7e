"""The program that runs one embedded Milvus: isolates it, starts it, opens the way to it, ends it.

`embedded/server.py` runs this directory as a program of its own, because what ends the server has to outlive the
notebook's kernel, however that ends:

    python -I -S .../embedded/keeper CONTROL STARTER

It uses the standard library only and imports nothing else of milvus_magics. CONTROL is one end of a socket pair,
STARTER the kernel's pid. The two speak lines of JSON: a plan comes in (which directory, isolated or not), the answer
goes out; a job comes in (what to run, root's new password), `ready` or an error goes out. The end of the socket or of
the kernel means: stop.

With isolation it is two processes. One stays outside and cleans up; its child is the first process of a pid namespace
with a network of its own, so that nothing inside is left running whatever happens to it.
"""
