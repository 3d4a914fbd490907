import { dumpRequest, dumpResponse } from '../../src/soracom/dump.js';

describe('a request', () => {
  it('is between the banners that soratun prints', () => {
    const dump = dumpRequest({
      method: 'POST',
      url: 'https://api.soracom.io/v1/sims?x=1',
      headers: { 'Content-Type': 'application/json', 'X-Soracom-Token': 'abc' },
      body: '{"type":"virtual","authKey":"k"}',
    });
    expect(dump).toBe(`--- Request dump ---------------------------------
POST /v1/sims?x=1 HTTP/1.1
Host: api.soracom.io
Content-Type: application/json
X-Soracom-Token: <redacted>

{"type":"virtual","authKey":"<redacted>"}
--- End of request dump --------------------------
`);
  });

  it('has an empty body if there is none, and hides the given headers', () => {
    const headers = { 'X-Door': 'open', 'X-Other': 'shown' };
    const request = { method: 'GET' as const, url: 'http://h:81/v1/secret-1', headers };
    expect(
      dumpRequest(request, new Set(['x-door']))
        .split('\n')
        .slice(1, -2),
    ).toEqual([
      'GET /v1/<redacted> HTTP/1.1',
      'Host: h:81',
      'X-Door: <redacted>',
      'X-Other: shown',
      '',
      '',
    ]);
  });
});

describe('an answer', () => {
  it('is between the banners that soratun prints', () => {
    const dump = dumpResponse({
      status: 201,
      headers: { date: 'today', 'set-cookie': 'a=b', 'x-soracom-next-key': 'next' },
      body: '{"arcClientPeerPrivateKey":"k","simId":"1"}',
    });
    expect(dump).toBe(`--- Response dump --------------------------------
HTTP/1.1 201 Created
date: today
set-cookie: <redacted>
x-soracom-next-key: next

{"arcClientPeerPrivateKey":"<redacted>","simId":"1"}
--- End of response dump -------------------------
`);
  });
});
