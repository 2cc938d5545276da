"""A box on the way between two TCP ends, like a NAT or a firewall that keeps a table of connections.

    with MiddleBox(port_of_a_service) as box:
        ... a neighbour connects to box.port instead ...
        box.forget()                # connections of before: both ends stay open, and nothing passes any more
        box.swallow = True          # new connections are taken, and nothing passes either
        box.swallow = False         # new ones pass; those that were forgotten never do again

With `idle_limit` it forgets by itself what was idle for longer, as boxes in the field do.
"""

import socket
import threading
import time

_PAUSE = 0.05  # how long a thread waits before it looks whether the box is closed


class _Connection:
    """Two sockets and two threads that carry octets between them, or drop them."""

    def __init__(self, box, near, far):
        self.box, self.near, self.far = box, near, far
        self.forgotten, self.closed = far is None, False
        self.last = time.monotonic()
        self.octets = self.dropped = 0
        pairs = [(near, far)] + ([(far, near)] if far is not None else [])
        self.threads = [threading.Thread(target=self._carry, args=pair, daemon=True) for pair in pairs]
        for thread in self.threads:
            thread.start()

    def _carry(self, one, other):
        one.settimeout(_PAUSE)
        while not self.closed:
            try:
                data = one.recv(65536)
            except socket.timeout:
                self._look()
                continue
            except OSError:
                break
            self._look()
            if not data:
                break
            if self.forgotten:
                # Read, so that the kernel of the sender believes it has arrived: only a question of the application's
                # own can find out.
                self.dropped += len(data)
                continue
            self.last = time.monotonic()
            self.octets += len(data)
            try:
                other.settimeout(5)
                other.sendall(data)
                other.settimeout(_PAUSE)
            except OSError:
                break
        if self.closed or not self.forgotten:
            self.close()  # an end that goes is told to the other one, unless the box does not know them any more

    def _look(self):
        limit = self.box.idle_limit
        if limit is not None and not self.forgotten and time.monotonic() - self.last > limit:
            self.forgotten = True
            self.box.forgotten_idle += 1

    def close(self):
        """Both ends."""
        self.closed = True
        for one in (self.near, self.far):
            if one is not None:
                try:
                    one.close()
                except OSError:
                    pass


class MiddleBox:
    """Listens on a port of its own. Closed with its threads at the end of the with block."""

    def __init__(self, target, idle_limit=None, host="127.0.0.1"):
        self.target, self.idle_limit, self.host = target, idle_limit, host
        self.swallow = False
        self.forgotten_idle = 0  # connections that were idle for too long
        self._lock, self._connections, self._closed = threading.Lock(), [], False
        self._listener = socket.create_server((host, 0))
        self._listener.settimeout(_PAUSE)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def address(self):
        """host:port for neighbours."""
        return f"{self.host}:{self.port}"

    def _accept(self):
        while not self._closed:
            try:
                near, _ = self._listener.accept()
            except socket.timeout:
                continue
            except OSError:
                return
            far = None
            if not self.swallow:
                try:
                    far = socket.create_connection((self.host, self.target), timeout=5)
                except OSError:
                    near.close()  # the target is not there: that is told
                    continue
                for one in (near, far):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections = [one for one in self._connections if not one.closed]
                self._connections.append(_Connection(self, near, far))

    def forget(self):
        """Those that are open now carry nothing any more, and nobody is told. Returns how many there were."""
        with self._lock:
            alive = [one for one in self._connections if not one.closed and not one.forgotten]
            for one in alive:
                one.forgotten = True
        return len(alive)

    def alive(self):
        """Connections that pass."""
        with self._lock:
            return sum(1 for one in self._connections if not one.closed and not one.forgotten)

    def dropped(self):
        """Octets that were sent into the void."""
        with self._lock:
            return sum(one.dropped for one in self._connections)

    def close(self):
        """Ends it, and every connection through it."""
        self._closed = True
        self._listener.close()
        self._thread.join(10)
        with self._lock:
            connections, self._connections = self._connections, []
        for one in connections:
            one.close()
        for one in connections:
            for thread in one.threads:
                thread.join(10)
