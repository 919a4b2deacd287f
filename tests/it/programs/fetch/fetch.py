"""Asks servers over TLS, one for each line of the input: a bundle and a URL. With an argument as Python 3.13 does."""

import ssl
import sys
import urllib.request

for line in sys.stdin:
    bundle, url = line.rstrip("\n").split("\t")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(bundle)
        if len(sys.argv) > 1:
            # VERIFY_X509_PARTIAL_CHAIN and VERIFY_X509_STRICT, by default since then.
            context.verify_flags |= 0x80000 | 0x20
        handler = urllib.request.HTTPSHandler(context=context)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), handler)
        opener.open(url, timeout=20).close()
    except Exception as error:
        print(url, error, file=sys.stderr)
