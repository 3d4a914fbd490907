/** Compares our parser with llhttp, the parser of Node: what ours accepts, both read alike. */
import { request } from 'node:http';
import { Duplex } from 'node:stream';

import { ResponseParser } from '../../../src/proxy/http/response-parser.js';
import { Random } from '../../sim/random.js';
import { atLength } from '../../support/runner/tier.js';

const COUNT = atLength({ short: 2_000, long: 40_000 });

interface Outcome {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

function parseHere(text: string): Outcome | undefined {
  const parser = new ResponseParser();
  const outcome = { status: 0, fields: [] as string[], body: '', trailers: [] as string[] };
  const ends: boolean[] = [];
  const handler = {
    interim: () => undefined,
    head: ({ status, rawHeaders }: { status: number; rawHeaders: readonly string[] }) => {
      outcome.status = status;
      outcome.fields = [...rawHeaders];
    },
    body: (bytes: Buffer) => void (outcome.body += bytes.toString('latin1')),
    end: (trailers: readonly string[]) => {
      outcome.trailers = [...trailers];
      ends.push(true);
    },
  };
  parser.begin(handler, { isHead: false, upgrades: false });
  parser.write(Buffer.from(text, 'latin1'));
  parser.endOfInput();
  // A connection is not used again after excess bytes, and llhttp rejects them.
  return ends.length === 1 && parser.rest.length === 0 ? outcome : undefined;
}

function parseByNode(text: string): Promise<Outcome | undefined> {
  return new Promise((resolve) => {
    const stream = new Duplex({
      read: () => undefined,
      write: (_chunk, _encoding, done) => done(),
    });
    const outgoing = request({ createConnection: () => stream, maxHeaderSize: 32 * 1024 });
    outgoing.on('error', () => resolve(undefined));
    outgoing.on('response', (response) => {
      let body = '';
      response.on('data', (bytes: Buffer) => (body += bytes.toString('latin1')));
      response.on('error', () => resolve(undefined));
      response.on('close', () => {
        const { statusCode: status = 0, rawHeaders: fields, rawTrailers: trailers } = response;
        resolve(response.complete ? { status, fields, body, trailers } : undefined);
      });
    });
    outgoing.end(() => {
      stream.push(Buffer.from(text, 'latin1'));
      stream.push(null);
    });
  });
}

const HEADS = [
  'HTTP/1.1 200 OK',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 204 No',
  'HTTP/1.1 304',
  'HTTP/1.1 500 x',
];
const FIELDS = [
  'Content-Length: 5',
  'Content-Length: 0',
  'Content-Length: 5, 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: CHUNKED',
  'Transfer-Encoding: identity',
  'Connection: close',
  'X-A:  b ',
  'X-B:',
  'Set-Cookie: \xe9',
];
const BODIES = [
  '',
  'abcde',
  'abcdefg',
  '5\r\nabcde\r\n0\r\n\r\n',
  '2;x\r\nab\r\n0\r\nT: 1\r\n\r\n',
  '0\r\n\r\n',
];
/** Bytes and texts that parsers have disagreed about. */
const ODD = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '0',
  '5',
  'a',
  '\0',
  '\x7f',
  '\xff',
  '+',
  '-',
  '0x',
];

function response(random: Random): string {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)]!;
  const lines = [pick(HEADS)];
  for (let left = random.below(4); left > 0; left--) lines.push(pick(FIELDS));
  let text = `${lines.join('\r\n')}\r\n\r\n${pick(BODIES)}`;
  for (let left = random.below(3); left > 0; left--) {
    const at = random.below(text.length + 1);
    text = text.slice(0, at) + pick(ODD) + text.slice(at + random.below(2));
  }
  return text;
}

it('agrees with llhttp about each response that it accepts', async () => {
  const random = new Random(20261129);
  let accepted = 0;
  for (let count = 0; count < COUNT; count++) {
    const text = response(random);
    const ours = parseHere(text);
    if (ours === undefined) continue;
    accepted++;
    expect({ text, ...(await parseByNode(text)) }).toEqual({ text, ...ours });
  }
  expect(accepted).toBeGreaterThan(250);
});
