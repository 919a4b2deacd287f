"""Answers which way Python goes; main.go says how it is asked. The argument is urllib, or where requests lies."""

import os
import sys
import urllib.request

PROXY = "http://127.9.9.9:9"


def by_urllib(url):
    request = urllib.request.Request(url)
    opening = getattr(urllib.request.ProxyHandler(), request.type + "_open", None)
    if opening is None:
        return True
    opening(request)
    return request.host != "127.9.9.9:9"


def by_requests():
    import requests

    session = requests.Session()

    def is_direct(url):
        url = requests.Request("GET", url).prepare().url
        settings = session.merge_environment_settings(url, {}, None, None, None)
        return requests.utils.select_proxy(url, settings["proxies"]) is None

    return is_direct


if sys.argv[1] == "urllib":
    is_direct = by_urllib
else:
    sys.path.insert(0, sys.argv[1])
    is_direct = by_requests()
for line in sys.stdin:
    line = line.rstrip("\n")
    if line.startswith("L"):
        os.environ.update(http_proxy=PROXY, https_proxy=PROXY, no_proxy=bytes.fromhex(line[1:]).decode())
    elif line.startswith("U"):
        sys.stdout.write("direct\n" if is_direct(line[1:]) else "proxy\n")
