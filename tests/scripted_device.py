"""A LwM2M device made by hand: CoAP on a UDP socket, answering what the test says.

It shares no code with Isthmus, so that a mistake in our CoAP or our payloads cannot hide behind itself.

    with ScriptedDevice("d1", coap_port) as device:
        device.content("/3/0/9", b"80", content_format=0)
        device.register("</1/0>,</3/0>")
"""

import itertools
import queue
import random
import socket
import struct
import threading

CON, NON, ACK, RST = 0, 1, 2, 3
GET, POST, PUT, DELETE = 1, 2, 3, 4
OBSERVE, LOCATION_PATH, URI_PATH, CONTENT_FORMAT, URI_QUERY, ACCEPT = 6, 8, 11, 12, 15, 17


def code(text):
    """0x45 of "2.05"."""
    return int(text[0]) << 5 | int(text[2:])


def uint(value):
    """Shortest option value of a number."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


class Message:
    """A CoAP message."""

    def __init__(self, kind, number, message_id, token=b"", options=(), payload=b""):
        self.kind, self.code, self.message_id, self.token = kind, number, message_id, token
        self.options, self.payload = list(options), payload

    def encode(self):
        """Its datagram."""
        out = bytes([0x40 | self.kind << 4 | len(self.token), self.code]) + struct.pack("!H", self.message_id) + self.token
        last = 0
        for number, value in sorted(self.options, key=lambda option: option[0]):
            head, extra = [], b""
            for size in (number - last, len(value)):
                if size < 13:
                    head.append(size)
                elif size < 269:
                    head.append(13)
                    extra += bytes([size - 13])
                else:
                    head.append(14)
                    extra += struct.pack("!H", size - 269)
            out += bytes([head[0] << 4 | head[1]]) + extra + value
            last = number
        return out + (b"\xff" + self.payload if self.payload else b"")

    @staticmethod
    def decode(data):
        """The message of a datagram."""
        length = data[0] & 15
        message = Message(data[0] >> 4 & 3, data[1], struct.unpack("!H", data[2:4])[0], data[4:4 + length])
        place, number = 4 + length, 0
        while place < len(data) and data[place] != 0xFF:
            sizes = [data[place] >> 4, data[place] & 15]
            place += 1
            for i, size in enumerate(sizes):
                if size == 13:
                    sizes[i], place = data[place] + 13, place + 1
                elif size == 14:
                    sizes[i], place = struct.unpack("!H", data[place:place + 2])[0] + 269, place + 2
            number += sizes[0]
            message.options.append((number, data[place:place + sizes[1]]))
            place += sizes[1]
        message.payload = data[place + 1:] if place < len(data) else b""
        return message

    def texts(self, number):
        """Values of an option as texts."""
        return [value.decode() for n, value in self.options if n == number]

    def number(self, option):
        """Value of an option as a number, or None."""
        return next((int.from_bytes(value, "big") for n, value in self.options if n == option), None)

    @property
    def path(self):
        """"/3/0/9"."""
        return "/" + "/".join(self.texts(URI_PATH))


class ScriptedDevice:
    """One endpoint on one socket. `requests` collects what the server asked."""

    def __init__(self, endpoint, server_port, lifetime=300, version="1.1", binding="U"):
        self.endpoint, self.lifetime, self.version, self.binding = endpoint, lifetime, version, binding
        self.server = ("127.0.0.1", server_port)
        self.requests, self.answers, self.location = [], queue.Queue(), None
        self.contents, self.handler, self.silent = {}, None, False
        self.observations = {}
        self.resets = queue.Queue()
        self._ids = itertools.count(random.randrange(0x8000))
        self._condition = threading.Condition()
        self._open()

    def _open(self, port=0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._listen, args=(self.socket,), daemon=True)
        self._thread.start()

    @property
    def port(self):
        """Where it is."""
        return self.socket.getsockname()[1]

    def move(self, port=0):
        """A new port, as behind a NAT that forgot."""
        self.leave()
        self._open(port)

    def leave(self):
        """Gives its port free."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread, which holds the port as long as it listens
        except OSError:
            pass
        self.socket.close()
        self._thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # -- what the device says by itself ------------------------------------------------------------------------------
    def next_id(self):
        """A message id."""
        return next(self._ids) & 0xFFFF

    def send(self, message):
        """A datagram to the server."""
        try:
            self.socket.sendto(message.encode(), self.server)
        except BrokenPipeError:
            pass  # it is just leaving this port
        except OSError:
            if self.socket.fileno() >= 0:  # else it has just been switched off
                raise

    def ask(self, method, path, query=(), payload=b"", content_format=None, seconds=10):
        """A confirmable request to the server; returns the response (retransmitting like a device)."""
        options = [(URI_PATH, part.encode()) for part in path.strip("/").split("/")]
        options += [(URI_QUERY, part.encode() if isinstance(part, str) else part) for part in query]
        if content_format is not None:
            options.append((CONTENT_FORMAT, uint(content_format)))
        request = Message(CON, method, self.next_id(), random.randbytes(4), options, payload)
        for _ in range(4):
            self.send(request)
            try:
                while True:
                    answer = self.answers.get(timeout=seconds / 4)
                    if answer.token == request.token:
                        return answer
            except queue.Empty:
                continue
        raise AssertionError(f"the server did not answer {method} {path}")

    def register(self, links="</1/0>,</3/0>", query=None, expect="2.01"):
        """Registers; `query` replaces all query options."""
        if query is None:
            query = [f"ep={self.endpoint}", f"lt={self.lifetime}", f"lwm2m={self.version}", f"b={self.binding}"]
        answer = self.ask(POST, "/rd", query, links.encode() if isinstance(links, str) else links, 40)
        assert answer.code == code(expect), f"{answer.code >> 5}.{answer.code & 31:02} {answer.payload}"
        if expect == "2.01":
            self.location = "/" + "/".join(answer.texts(LOCATION_PATH))
            self.observations.clear()
        return answer

    def update(self, query=(), links=b"", expect="2.04"):
        """Updates the registration."""
        answer = self.ask(POST, self.location, query, links, 40 if links else None)
        assert answer.code == code(expect), f"{answer.code >> 5}.{answer.code & 31:02} {answer.payload}"
        return answer

    def deregister(self):
        """De-registers."""
        return self.ask(DELETE, self.location)

    def notify(self, path, payload, content_format=0, sequence=None, token=None, kind=CON):
        """A notification of an observed path (or with any token)."""
        known = self.observations.get(path)
        if token is None:
            token = known["token"]
        if sequence is None:
            known["sequence"] += 1
            sequence = known["sequence"]
        options = [(OBSERVE, uint(sequence))]
        if content_format is not None:
            options.append((CONTENT_FORMAT, uint(content_format)))
        message = Message(kind, code("2.05"), self.next_id(), token, options, payload)
        self.send(message)
        return message

    # -- what it answers ---------------------------------------------------------------------------------------------
    def content(self, path, payload, content_format=None, response="2.05"):
        """What a request to a path is answered from now on."""
        self.contents[path] = (code(response), payload, content_format)

    def wait_request(self, matches, seconds=10):
        """Waits until the server has asked something that matches; returns it."""
        with self._condition:
            found = self._condition.wait_for(lambda: next((r for r in self.requests if matches(r)), None), seconds)
        assert found, f"the server did not ask; it asked {[(r.code, r.path) for r in self.requests]}"
        return found

    def wait_observed(self, path, seconds=10):
        """Waits until the server observes a path."""
        with self._condition:
            assert self._condition.wait_for(lambda: path in self.observations, seconds), f"{path} is not observed"

    def _listen(self, mine):
        while True:
            try:
                data, _ = mine.recvfrom(65536)
            except OSError:
                return
            if self.silent or len(data) < 4 or mine is not self.socket:
                continue
            message = Message.decode(data)
            if message.kind == RST:
                self.resets.put(message)
            elif 1 <= message.code < 32:
                self._serve(message)
            elif message.code >= 64:
                if message.kind == CON:
                    self.send(Message(ACK, 0, message.message_id))
                self.answers.put(message)

    def _serve(self, request):
        with self._condition:
            self.requests.append(request)
            observe = request.number(OBSERVE)
            if request.code == GET and observe == 0:
                self.observations[request.path] = {"token": request.token, "sequence": 1}
            elif request.code == GET and observe == 1:
                self.observations.pop(request.path, None)
            self._condition.notify_all()
        if self.handler is not None and self.handler(self, request):
            return
        number, payload, content_format = self.contents.get(request.path, (code("4.04"), b"", None))
        options = []
        if content_format is not None:
            options.append((CONTENT_FORMAT, uint(content_format)))
        if request.code == GET and observe == 0 and number == code("2.05"):
            options.append((OBSERVE, uint(1)))
        if request.code in (POST, PUT) and request.path not in self.contents:
            number, payload, options = code("2.04"), b"", []
        self.answer(request, number, payload, options)

    def answer(self, request, number, payload=b"", options=()):
        """Answers a request piggy-backed."""
        self.send(Message(ACK, number, request.message_id, request.token, options, payload))
