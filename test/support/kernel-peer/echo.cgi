#!/bin/sh
# Responds to a POST with the length and the SHA-256 of its body, as http-peer.js does.
head -c "$CONTENT_LENGTH" >"/tmp/body.$$"
sha256=$(sha256sum <"/tmp/body.$$" | cut -d ' ' -f 1)
length=$(wc -c <"/tmp/body.$$")
rm "/tmp/body.$$"
printf 'Content-Type: application/json\r\n\r\n{"length":%d,"sha256":"%s"}' "$length" "$sha256"
