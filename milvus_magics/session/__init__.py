"""What belongs to this notebook: its connections, the names they showed, what was changed. All behind one lock."""

import threading

# Forms run on other threads than cells. Reentrant, because closing a connection may tell a listener.
lock = threading.RLock()
