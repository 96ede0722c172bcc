# SPDX-License-Identifier: ISC
"""har_samples.py - HARs as others write them: the members, values and layout of Chrome's
and Firefox's devtools.
"""
import base64
import datetime
import json

FIRST = 1795334462345		# 2026-11-22T08:01:02.345Z, in milliseconds


def iso(ms, zone="Z"):
    when = datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)
    if zone != "Z":
        when = when.astimezone(datetime.timezone(datetime.timedelta(hours=1)))
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{round(ms) % 1000:03d}" + zone


def write(path, document, indent=2):
    path.write_text(json.dumps(document, indent=indent, ensure_ascii=False), encoding="utf-8")
    return path


def chrome_entry(i, page="page_1", host="www.example.com"):
    binary = i % 3 == 1
    body = bytes(range(256)) if binary else f"<p>söme \"text\" {i}</p>\n".encode()
    text = base64.b64encode(body).decode() if binary else body.decode()
    return {
        "_connectionId": str(100 + i % 2),
        "_initiator": {"type": "script", "stack": {"callFrames": [
            {"functionName": "", "scriptId": "7", "url": f"https://{host}/a.js",
             "lineNumber": 1, "columnNumber": 2}]}},
        "_priority": "High",
        "_resourceType": "fetch",
        "cache": {},
        "connection": "443",
        "pageref": page,
        "request": {
            "method": "POST" if i % 5 == 2 else "GET",
            "url": f"https://{host}/api/{i}?q=%C3%A4",
            "httpVersion": "http/2.0",
            "headers": [{"name": ":authority", "value": host}, {"name": ":method", "value": "GET"},
                        {"name": "accept", "value": "*/*"}],
            "queryString": [{"name": "q", "value": "%C3%A4"}],
            "cookies": [{"name": "a", "value": "b", "path": "/", "domain": host,
                         "expires": "2027-11-22T08:01:02.000Z", "httpOnly": True,
                         "secure": True, "sameSite": "Lax"}],
            "headersSize": -1,
            "bodySize": 3 if i % 5 == 2 else 0,
            **({"postData": {"mimeType": "text/plain", "text": "a=b"}} if i % 5 == 2 else {}),
        },
        "response": {
            "status": 404 if i % 4 == 3 else 200,
            "statusText": "",
            "httpVersion": "http/2.0",
            "headers": [{"name": "content-type", "value": "text/html"}],
            "cookies": [],
            "content": {"size": len(body),
                        "mimeType": "image/png" if binary else "text/html",
                        "text": text, **({"encoding": "base64"} if binary else {})},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
            "_transferSize": 300 + i,
            "_error": None,
            "_fetchedViaServiceWorker": False,
        },
        "serverIPAddress": "192.0.2.7",
        "startedDateTime": iso(FIRST + 10 * i),
        "time": 45.5 + i,
        "timings": {"blocked": 5.25, "dns": -1, "ssl": -1, "connect": -1, "send": 0.25,
                    "wait": 30 + i, "receive": 10, "_blocked_queueing": 5},
    }


def chrome(entries, page="page_1", title="https://www.example.com/"):
    return {"log": {
        "version": "1.2",
        "creator": {"name": "WebInspector", "version": "537.36"},
        "pages": [{"startedDateTime": iso(FIRST), "id": page, "title": title,
                   "pageTimings": {"onContentLoad": 312.5, "onLoad": 500.125}}],
        "entries": entries}}


def firefox_entry(i):
    return {
        "startedDateTime": iso(FIRST + 10 * i, "+01:00"),
        "request": {"bodySize": 0, "method": "GET", "url": f"https://ff.example/{i}",
                    "httpVersion": "HTTP/2", "headers": [{"name": "Host", "value": "ff.example"}],
                    "cookies": [], "queryString": [], "headersSize": 420},
        "response": {"status": 200, "statusText": "OK", "httpVersion": "HTTP/2",
                     "headers": [{"name": "content-type", "value": "application/json"}],
                     "cookies": [], "content": {"mimeType": "application/json", "size": 2,
                                                "text": "{}"},
                     "redirectURL": "", "headersSize": 210, "bodySize": 212},
        "cache": {},
        "timings": {"blocked": 1, "dns": 2, "connect": 10, "ssl": 20, "send": 0, "wait": 12,
                    "receive": 3},
        "time": 48,
        "_securityState": "secure",
        "serverIPAddress": "2001:db8::7",
        "connection": "443",
        "pageref": "page_1",
    }


def firefox(entries):
    return {"log": {
        "version": "1.2",
        "creator": {"name": "Firefox", "version": "153.0"},
        "browser": {"name": "Firefox", "version": "153.0"},
        "pages": [{"id": "page_1", "pageTimings": {"onContentLoad": 100, "onLoad": 200},
                   "startedDateTime": iso(FIRST, "+01:00"), "title": "https://ff.example/"}],
        "entries": entries}}
