"""UDP through a SOCKS5 proxy with PySocks.

socks5-udp.py ask PROXY [USER:PASSWORD] -- HOST:PORT=TEXT...
    Sends each text from one socket, and prints each answer with its source.
socks5-udp.py relay PROXY HOST:PORT
    Prints a local UDP port, and relays one client of this port to HOST:PORT.
"""

import socket
import sys

import socks


def split(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def open_socket(proxy, user=None):
    host, port = split(proxy)
    name, _, password = (user or "").partition(":")
    one = socks.socksocket(socket.AF_INET, socket.SOCK_DGRAM)
    one.set_proxy(socks.SOCKS5, host, port, True, name or None, password or None)
    one.bind(("", 0))
    one.settimeout(10)
    return one


def ask(words):
    end = words.index("--")
    one = open_socket(*words[:end])
    for word in words[end + 1 :]:
        target, _, text = word.partition("=")
        one.sendto(text.encode(), split(target))
        answer, (host, port) = one.recvfrom(65536)
        print(f"{host}:{port} {answer.decode()}", flush=True)


def relay(proxy, target):
    local = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    local.bind(("127.0.0.1", 0))
    print(local.getsockname()[1], flush=True)
    while True:
        question, client = local.recvfrom(65536)
        one = open_socket(proxy)
        one.sendto(question, split(target))
        local.sendto(one.recvfrom(65536)[0], client)


{"ask": lambda *words: ask(list(words)), "relay": relay}[sys.argv[1]](*sys.argv[2:])
