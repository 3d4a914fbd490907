"""A client that attacks a listener.

hostile-client.py mutate PLACE COUNT MESSAGE...
    Sends mutated messages over COUNT connections, which end in order, by a reset, or half-open.
hostile-client.py hold PLACE COUNT MESSAGE
    Opens COUNT connections, sends the message on each, prints "held", and waits for a line of input.
hostile-client.py udp PLACE COUNT MESSAGE...
    Sends COUNT mutated datagrams.

PLACE is HOST:PORT or the path of a Unix socket. Messages have Python's escapes.
"""

import random
import socket
import struct
import sys

RESET = struct.pack("ii", 1, 0)
rng = random.Random(1)


def message(text):
    return text.encode("latin1").decode("unicode_escape").encode("latin1")


def mutated(data):
    data = bytearray(data)
    for _ in range(rng.randrange(5)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del data[at : at + 1 + rng.randrange(4)]
        elif kind == 2:
            data[at:at] = rng.randbytes(rng.randrange(40))
        else:
            del data[at:]
    return bytes(data)


def split(place):
    host, _, port = place.rpartition(":")
    return host, int(port)


def opened(place):
    if place.startswith("/"):
        one = socket.socket(socket.AF_UNIX)
        one.connect(place)
    else:
        one = socket.create_connection(split(place), timeout=20)
    one.settimeout(20)
    return one


def mutate(place, count, messages):
    kept = []
    for index in range(count):
        try:
            one = opened(place)
            one.sendall(mutated(messages[index % len(messages)]))
            kind = rng.randrange(4)
            if kind == 0 and one.family != socket.AF_UNIX:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            elif kind == 1:
                one.shutdown(socket.SHUT_WR)
            elif kind == 2:
                kept.append(one)
                if len(kept) > 50:
                    kept.pop(0).close()
                continue
            one.close()
        except OSError:
            pass
    for one in kept:
        one.close()


def hold(place, count, text):
    held = []
    for _ in range(count):
        try:
            one = opened(place)
            held.append(one)
            one.setblocking(False)
            one.send(text)
        except OSError:
            pass
    print("held", flush=True)
    sys.stdin.readline()
    for one in held:
        one.close()


def udp(place, count, messages):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.connect(split(place))
    for index in range(count):
        try:
            one.send(mutated(messages[index % len(messages)]))
        except OSError:
            pass
    one.close()


kind, place, count, *texts = sys.argv[1:]
messages = [message(text) for text in texts]
if kind == "mutate":
    mutate(place, int(count), messages)
elif kind == "hold":
    hold(place, int(count), messages[0])
else:
    udp(place, int(count), messages)
