"""A runtime and its function in Python that posts events to localhost, port MESSAGE_PORT or 8080."""

import http.client
import json
import os

runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
PREFIX = "/2018-06-01/runtime"


def call(method, path, body=None):
    runtime.request(method, PREFIX + path, body)
    response = runtime.getresponse()
    return response.headers, response.read()


def handler(event):
    extension = http.client.HTTPConnection("localhost", int(os.environ.get("MESSAGE_PORT", "8080")))
    extension.request("POST", "/", event)
    response = extension.getresponse()
    body = response.read().decode()
    extension.close()
    return {"statusCode": response.status, "body": body}


while True:
    headers, event = call("GET", "/invocation/next")
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    try:
        call("POST", f"/invocation/{request_id}/response", json.dumps(handler(event)))
    except Exception as error:
        told = {"errorType": type(error).__name__, "errorMessage": str(error)}
        call("POST", f"/invocation/{request_id}/error", json.dumps(told))
