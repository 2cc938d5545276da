"""A name server for tests: A records that change while the name stays, as those of a headless service do.

    with NameServer({"translation.test": ["127.0.0.1"]}) as names:
        target = f"dns://{names.address}/translation.test:7002"
        names.records["translation.test"] = ["127.0.0.2", "127.0.0.3"]
"""

import socket
import struct
import threading

_A, _IN, _NAME_ERROR = 1, 1, 3


class NameServer:
    """Answers on a UDP port of its own; what it does not know does not exist. Ends with the with block."""

    def __init__(self, records):
        self.records = dict(records)
        self.asked = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._closed = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._closed = True
        self._thread.join(5)
        self._socket.close()

    def _serve(self):
        while not self._closed:
            try:
                query, peer = self._socket.recvfrom(4096)
            except socket.timeout:
                continue
            except OSError:
                return
            if len(query) > 12:
                self._socket.sendto(self._answer(query), peer)

    def _answer(self, query):
        labels, place = [], 12
        while query[place]:
            labels.append(query[place + 1:place + 1 + query[place]].decode().lower())
            place += 1 + query[place]
        question = query[12:place + 5]
        kind, _ = struct.unpack("!HH", query[place + 1:place + 5])
        addresses = self.records.get(".".join(labels))
        answers = b""
        if kind == _A and addresses:
            self.asked += 1
            for address in addresses:  # the name is a pointer to the question
                answers += b"\xc0\x0c" + struct.pack("!HHIH", _A, _IN, 0, 4) + socket.inet_aton(address)
        flags = 0x8580 | (_NAME_ERROR if addresses is None else 0)
        head = struct.pack("!HHHHHH", struct.unpack("!H", query[:2])[0], flags, 1, len(answers) // 16, 0, 0)
        return head + question + answers
