"""Logs in with libcurl and prints one JSON line for each transfer.

visit.py PROXY USER:PASSWORD CERTIFICATES URL...

All transfers use one handle, so the nonce count keeps rising.
"""

import io
import json
import sys

import pycurl


def main(proxy, user, certificates, *urls):
    curl = pycurl.Curl()
    curl.setopt(pycurl.PROXY, proxy)
    curl.setopt(pycurl.NOPROXY, "")
    curl.setopt(pycurl.PROXYUSERPWD, user.encode())
    curl.setopt(pycurl.PROXYAUTH, pycurl.HTTPAUTH_DIGEST)
    curl.setopt(pycurl.CAINFO, certificates)
    curl.setopt(pycurl.TIMEOUT, 30)
    curl.setopt(pycurl.VERBOSE, True)
    for url in urls:
        sent, received, body = [], [], io.BytesIO()

        def note(kind, data):
            if kind == pycurl.INFOTYPE_HEADER_OUT:
                sent.append(data.decode(errors="replace"))
            elif kind == pycurl.INFOTYPE_HEADER_IN:
                received.append(data.decode(errors="replace"))

        curl.setopt(pycurl.DEBUGFUNCTION, note)
        curl.setopt(pycurl.WRITEDATA, body)
        curl.setopt(pycurl.URL, url)
        curl.perform()
        print(json.dumps({
            "status": curl.getinfo(pycurl.RESPONSE_CODE),
            "body": body.getvalue().decode(),
            "credentials": fields(sent, "proxy-authorization"),
            "challenges": fields(received, "proxy-authenticate"),
        }))


def fields(heads, name):
    lines = [line for head in heads for line in head.splitlines()]
    pairs = [line.split(":", 1) for line in lines if ":" in line]
    return [value.strip() for found, value in pairs if found.lower() == name]


main(*sys.argv[1:])
