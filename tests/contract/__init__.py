"""A server in this process that speaks Milvus's protocol for users, roles and privileges, as 2.3 to 3.0 do.

Only 2.3 can be installed. What newer servers answer was recorded (tests/recorded), and tests/test_recorded.py sends
each of those requests here, for all versions. What wasn't recorded follows what was seen and read of them.

    with contract.serve("2.6.18") as (server, address): ...

The same as a program, for tools that want an address: `python -m contract 2.6.18 --port 19530`, in tests/.

A test may read and change what the server keeps, and override methods in a subclass of `ContractServer`.
"""

from contract.any_names import AnyNames
from contract.login import HASH, Hashed
from contract.privileges import PUBLIC
from contract.server import ContractServer, serve, serving
from contract.statuses import Denied, Refusal

__all__ = ["HASH", "PUBLIC", "AnyNames", "ContractServer", "Denied", "Hashed", "Refusal", "serve", "serving"]
