"""Tests that need nothing but one server, whatever its version: `make conformance SERVER=http://HOST:PORT`.

In `make test` they run on the real server that can be installed and on the imitation of each version that was recorded.
What they expect of which version stands in expected.py; the command is in __main__.py.
"""
